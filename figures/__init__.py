"""The playbook's figures, drawn anew from small studies of ours: `python -m figures`."""
