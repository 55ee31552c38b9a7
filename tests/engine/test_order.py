import jax
import numpy as np
import pytest

from tuning_playbook.engine.order import Order, epoch_orders


@pytest.mark.parametrize("examples", [1, 2, 50, 1197, 1626, 3500, 50_000])
@pytest.mark.parametrize(("seed", "epoch"), [(0, 0), (3, 7), (2**32 - 1, 400)])
def test_an_order_is_that_of_jax(seed, epoch, examples):
    stream = jax.random.fold_in(jax.random.key(np.uint32(seed)), 1)
    orders = epoch_orders(seed, epoch, 3, examples)
    assert orders.dtype == np.int32
    for number, order in enumerate(orders, start=epoch):
        key = jax.random.fold_in(stream, number)
        np.testing.assert_array_equal(order, jax.random.permutation(key, examples))


def test_steps_go_through_the_epochs_and_leave_out_what_fills_no_batch():
    order = Order([4], examples=11, batch_size=3)
    expected = epoch_orders(4, 0, 3, 11)[:, :9].reshape(9, 3)
    np.testing.assert_array_equal(order.batches(0, 9)[0], expected)


def test_an_epoch_has_its_order_however_many_are_shuffled_together(monkeypatch):
    together = Order([4], examples=11, batch_size=3).batches(0, 60)
    monkeypatch.setattr("tuning_playbook.engine.order.TOGETHER", 1)
    np.testing.assert_array_equal(Order([4], 11, 3).batches(0, 60), together)


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
