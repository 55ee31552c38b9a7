"""Every figure of the playbook's text, in its order."""

from figures.figure import Panel, PlaybookFigure

FIGURES = (
    PlaybookFigure(
        number="1 left",
        image="bad_search_space",
        caption="Examples of bad search space boundaries and acceptable search space boundaries.",
        panels=(
            Panel(
                "bad_boundary",
                "axis_learning_rate",
                "Validation error against the learning rate: the best trials lie at the right end",
            ),
        ),
        same="The error falls towards the right end of the range, and the best three trials, "
        "which are marked, lie there.",
        differs="The playbook marks the best three as stars; here they are numbered rings. The "
        "infeasible trials trained too slowly to get better than an untrained model.",
    ),
    PlaybookFigure(
        number="1 right",
        image="good_search_space",
        caption="Examples of bad search space boundaries and acceptable search space boundaries.",
        panels=(
            Panel(
                "good_boundary",
                "axis_learning_rate",
                "Validation error against the learning rate: the best trials lie in the middle, "
                "infeasible ones at high rates",
            ),
        ),
        same="The best three trials lie inside the range. At high rates trials are infeasible, "
        "red crosses at the top.",
        differs="The scale of the error is logarithmic, because the errors span a factor of "
        "thirty. At the lowest rates, too, most trials are infeasible: 400 steps are too "
        "few for them to get better than an untrained model.",
    ),
    PlaybookFigure(
        number="2",
        image="isolation_plot",
        caption="Isolation plot that investigates the best value of weight decay for ResNet-50 "
        "trained on ImageNet.",
        panels=(
            Panel(
                "weight_decay",
                "isolation",
                "Validation loss of the best trial for each weight decay, on an axis of numbers",
            ),
        ),
        same="Each value of weight decay is a point on an axis of numbers, the best of 20 "
        "learning rates. The loss is lowest at a value inside the range, and highest at "
        "the largest one.",
        differs="The best weight decay is larger, 0.01, and the differences to its left are "
        "small: the network is small and trains for a short time, and the decay counts by "
        "its product with the learning rate. The metric is the loss, because 300 "
        "validation examples give error rates in steps of a third of a percent. The "
        "upright line at each point is where another search would have its best.",
    ),
    PlaybookFigure(
        number="3",
        image="validation_error_vs_num_trials",
        caption="A ResNet-50 was tuned on ImageNet with 100 trials. Via bootstrapping, different "
        "amounts of tuning budget were simulated. Box plots of the best performances for each "
        "trial budget are plotted above.",
        panels=(
            Panel(
                "hundred_trials",
                "best_of",
                "Box plots of the best validation loss of 1, 2, 4, ... trials, which fall and "
                "shrink",
            ),
        ),
        same="Boxes and whiskers shrink and fall as the number of trials grows, quickly at first.",
        differs="The budgets double, where the playbook's run from 6 to 20 one by one. The last "
        "boxes are one value, because 64 or 100 trials drawn without replacement from 100 "
        "mostly hold the best of all. The lower panel is an addition: the median with its "
        "confidence band.",
    ),
    PlaybookFigure(
        number="4",
        image="stride_instability",
        caption="Changing the strides in a single residual block (2x2 -> 1x1) in a WideResnet "
        "results in training instability. This does not degrade performance at low learning "
        "rates, but high learning rates no longer train well due to the instability. Applying "
        "1000 steps of learning rate warmup resolves this particular instance of instability, "
        "allowing stable training at max learning rate of .1.",
        panels=(
            Panel(
                "normalization_and_warmup",
                "axis_learning_rate",
                "Validation error against the learning rate of three arms, with a row of "
                "infeasible trials for each",
            ),
        ),
        same="At low learning rates the change costs little. Above a certain rate every trial "
        "with the change is infeasible; with a warmup it trains there.",
        differs="Another change makes this network unstable: layer in place of batch "
        "normalization, with Adam. The small `mnist5k_resnet` is not unstable with "
        "strides of 1: its loss falls as with strides of 2 at rates of 0.3 and 1, in 100 "
        "steps. Unstable rates are crosses in a row of the arm and not points on a line, "
        "the warmup is an arm of its own, and the two loss curves under the playbook's "
        "figure are missing.",
    ),
    PlaybookFigure(
        number="5",
        image="more_frequent_evals",
        caption="Illustration of the value of more frequent evaluations at the start of training. "
        "Useful if there’s a suspicion that the model suffers from early training instability.",
        panels=(
            Panel(
                "early_instability",
                "look",
                "Training loss of the first 500 steps, at every step and every 50 steps",
            ),
        ),
        same="Evaluations at long intervals show a loss that falls. Those of every step show "
        "that it rises at the very start and comes down again.",
        differs="Both views are of one run and in one plot; the playbook compares two networks in "
        "two plots, of 15,000 and of 30 steps.",
    ),
    PlaybookFigure(
        number="6",
        image="instability_during_warmup",
        caption="An example of instability during a warmup period (note the horizontal axis log "
        "scale). 40k steps of warmup was needed for successful training in this case.",
        panels=(
            Panel(
                "warmup_lengths",
                "warmups",
                "Training loss against the step, on a logarithmic axis, for warmups of different "
                "lengths",
            ),
        ),
        same="The axis of steps is logarithmic. Without a warmup, or with a short one, the "
        "loss rises at once or stays where it is; longer warmups lead to successful "
        "training.",
        differs="About 30 steps are enough, where the playbook's Transformer needed 40,000. The "
        "runs end after three times the longest warmup. The playbook's second panel, the "
        "learning rate against the step, is missing: it follows from the lengths.",
    ),
    PlaybookFigure(
        number="7a",
        image="axis_model_with_instability",
        caption="An example of a hyperparameter axis plot for a model exhibiting training "
        'instability. The best learning rate is at the edge of what is feasible. An "infeasible" '
        "trial is defined as one that either produces NaNs or uncharacteristically high values of "
        "the loss.",
        panels=(
            Panel(
                "edge_of_stability",
                "rates",
                "Validation loss against the learning rate, with the rates that are unstable",
            ),
        ),
        same="The objective gets better up to the best rate, and from a rate just above it "
        "trials are infeasible.",
        differs="The rates from which training is unstable are shaded, because the procedure "
        "`stability` looks for them. Some trials there have a best value, from before the "
        "rise of their loss; they are red triangles, and not crosses.",
    ),
    PlaybookFigure(
        number="7b",
        image="loss_model_with_instability",
        caption="The training loss of a model trained with a learning rate where we see "
        "instability.",
        panels=(
            Panel(
                "edge_of_stability",
                "training",
                "Training loss at the best learning rate and above it; one unstable rate is thick",
            ),
        ),
        same="The thick line falls at first and then rises suddenly, within a few steps, and "
        "never comes back to what it had reached.",
        differs="The best rate and others above it are drawn thinly beside it. The rise comes "
        "after some hundred steps, the playbook's after 10,000.",
    ),
    PlaybookFigure(
        number="8",
        image="beneficial_effect_warmup",
        caption="Beneficial effect of learning rate warmup on addressing training instabilities.",
        panels=(
            Panel(
                "warmup_benefit",
                "axis_learning_rate",
                "Validation loss against the learning rate of two networks, each without and with "
                "a warmup, with a row of infeasible trials for each",
            ),
            Panel(
                "warmup_lengths",
                "benefit",
                "Training loss at one learning rate without and with warmup",
            ),
        ),
        same="Without a warmup trials are infeasible from a certain learning rate on, of both "
        "networks; with one that rate is higher.",
        differs="The networks are multilayer perceptrons without and with layer normalization, "
        "the playbook's Transformers with it after and before the residual branch. Points "
        "are not joined. The second plot, training loss at one rate without and with the "
        "warmup, is an addition; the line without one ends early, because the procedure "
        "`warmup` tries warmups in short runs.",
    ),
    PlaybookFigure(
        number="9",
        image="gradient_clipping",
        caption="Illustration of gradient clipping correcting early training instability.",
        panels=(
            Panel(
                "clipping",
                "gradients",
                "Gradient norm against the step without clipping, with the norm to clip at and one "
                "that is too low",
            ),
            Panel(
                "clipping",
                "clipped",
                "Training loss at one learning rate without and with clipping",
            ),
        ),
        same="The gradient norm against the step on a logarithmic axis, with a good threshold, "
        "and one below it that would clip half of the steps.",
        differs="Here the stable run and the one to be mended are both drawn. The norm of the "
        "stable one falls as it fits the training set, which that of the playbook's "
        "ResNet does not; so the good threshold lies above most of its norms, and the one "
        "that is too low far below. The second plot, training loss at one rate without "
        "and with clipping, is an addition.",
    ),
)
