"""Draw an axis plot of a study with nothing but xarray and matplotlib.

python docs/plot_study.py results/optimizer_choice/study.nc learning_rate.png
"""

import sys

import matplotlib.pyplot as plt
import xarray as xr

study = xr.open_dataset(sys.argv[1])
figure, axes = plt.subplots()
for arm, trials in study.groupby("arm"):
    axes.scatter(trials["hp_learning_rate"], trials["objective"], label=arm)
axes.set(xscale="log", xlabel="learning_rate", ylabel=study.attrs["objective_metric"])
axes.legend()
figure.savefig(sys.argv[2])
