import numpy as np

from tuning_playbook.training.order import Order, epoch_order


def test_an_epoch_sees_every_example_once():
    assert sorted(epoch_order(seed=3, epoch=7, examples=50)) == list(range(50))


def test_each_epoch_of_each_seed_has_an_order_of_its_own():
    """Epoch 0 too is no draw that anything else makes from the seed."""
    orders = [tuple(epoch_order(seed, epoch, 50)) for seed in range(3) for epoch in range(3)]
    orders.append(tuple(np.random.default_rng(0).permutation(50)))
    assert len(set(orders)) == len(orders)


def test_every_place_of_an_order_is_as_likely_for_every_example():
    """10,000 shuffles of five examples: counts of 2,000 expected, chi-squared of 16 freedoms."""
    shuffles = np.array([epoch_order(seed, 0, 5) for seed in range(10_000)])
    counts = np.array([np.bincount(place, minlength=5) for place in shuffles.T])
    assert ((counts - 2000) ** 2 / 2000).sum() < 39.3  # the 0.1 % quantile above


def test_steps_go_through_the_epochs_and_leave_out_what_fills_no_batch():
    order = Order([4], examples=11, batch_size=3)
    expected = [epoch_order(4, epoch, 11)[:9].reshape(3, 3) for epoch in range(3)]
    np.testing.assert_array_equal(order.batches(0, 9)[0], np.concatenate(expected))


def test_where_steps_are_cut_changes_no_batch():
    order = Order([1, 2], examples=10, batch_size=4)
    whole = order.batches(0, 12)
    assert whole.shape == (2, 12, 4) and whole.dtype == np.int32
    for first in range(12):
        for steps in range(1, 12 - first + 1):
            part = Order([1, 2], 10, 4).batches(first, steps)
            np.testing.assert_array_equal(part, whole[:, first : first + steps])


def test_a_trial_has_its_order_in_any_company():
    together = Order([5, 6, 7], 10, 2).batches(0, 20)
    np.testing.assert_array_equal(together[1], Order([6], 10, 2).batches(0, 20)[0])
