"""Train the trials of one pack."""

from pathlib import Path

from tuning_playbook.dataset.pack import write_pack
from tuning_playbook.job import logged, resources_of
from tuning_playbook.training.pack import request_from_json, train_pack

with logged(snakemake.log[0]):
    request = request_from_json(snakemake.params.request)
    output = Path(snakemake.output[0])  # <study>/packs/<pack>.nc
    results = train_pack(request, output.parents[1], **resources_of(snakemake))
    write_pack(output, results)
