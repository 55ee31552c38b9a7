#!/bin/sh
# Print what has become of a job of PBS, as Snakemake asks for it: running, success or failed.
# Site: another scheduler is asked in another way.

if ! told=$(qstat -x -f "$1" 2>&1); then
    case $told in
    *"Unknown Job"*) echo failed ;; # PBS has forgotten it
    *) echo running ;;        # PBS does not answer: no reason to train it a second time
    esac
    exit
fi
case $told in
*"job_state = F"*) ;;
*) echo running && exit ;;
esac
case "$told " in
*"Exit_status = 0"[!0-9]*) echo success ;;
*) echo failed ;;
esac
