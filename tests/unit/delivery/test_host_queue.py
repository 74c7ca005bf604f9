"""What may overtake what on the way to one host."""

from __future__ import annotations

from fediverse_node.delivery.host_queue import HostQueue, Waiting


def _waiting(
    number: int, type_: str = "Create", *, inbox: str = "https://far.example/inbox", actor: int = 1
) -> Waiting:
    return Waiting(number, number, inbox, "far.example", 0, actor, type_)


def _queue(*deliveries: Waiting, parallel: int = 8) -> HostQueue:
    queue = HostQueue(parallel)
    for delivery in deliveries:
        queue.add(delivery)
    return queue


def _take_all(queue: HostQueue) -> list[Waiting]:
    taken = []
    while (delivery := queue.take()) is not None:
        taken.append(delivery)
    return taken


def test_posts_go_side_by_side_up_to_the_limit() -> None:
    queue = _queue(*(_waiting(n) for n in range(10)), parallel=4)
    assert [d.id for d in _take_all(queue)] == [0, 1, 2, 3]
    assert len(queue) == 6


def test_a_delete_waits_for_what_was_sent_before_it() -> None:
    create, delete = _waiting(1), _waiting(2, "Delete")
    queue = _queue(create, delete)
    assert _take_all(queue) == [create]
    queue.done(create)
    assert _take_all(queue) == [delete]


def test_nothing_overtakes_an_undo() -> None:
    undo, follow = _waiting(1, "Undo"), _waiting(2, "Follow")
    queue = _queue(undo, follow)
    assert _take_all(queue) == [undo]
    queue.done(undo)
    assert _take_all(queue) == [follow]


def test_a_post_does_not_arrive_before_the_answer_to_the_follow_that_it_is_sent_for() -> None:
    accept, create = _waiting(1, "Accept"), _waiting(2)
    queue = _queue(accept, create)
    assert _take_all(queue) == [accept]
    assert queue.withdraw(accept) == [create]


def test_two_edits_arrive_in_their_order() -> None:
    first, second = _waiting(1, "Update"), _waiting(2, "Update")
    queue = _queue(first, second)
    assert _take_all(queue) == [first]
    queue.done(first)
    assert _take_all(queue) == [second]


def test_somebody_else_and_another_inbox_do_not_wait() -> None:
    create, delete = _waiting(1), _waiting(2, "Delete")
    other_actor = _waiting(3, "Delete", actor=2)
    other_inbox = _waiting(4, "Delete", inbox="https://far.example/users/bob/inbox")
    queue = _queue(create, delete, other_actor, other_inbox)
    assert _take_all(queue) == [create, other_actor, other_inbox]


def test_a_queue_is_idle_only_when_nothing_waits_and_nothing_is_under_way() -> None:
    create = _waiting(1)
    queue = _queue(create)
    assert not queue.is_idle
    assert queue.take() is create
    assert not queue.is_idle
    queue.done(create)
    assert queue.is_idle


def test_what_has_not_started_can_be_taken_out() -> None:
    queue = _queue(*(_waiting(n) for n in range(5)), parallel=2)
    _take_all(queue)
    assert [d.id for d in queue.clear()] == [2, 3, 4]
    assert queue.active == 2


def test_what_may_not_overtake_a_delivery_that_failed_is_taken_out_with_it() -> None:
    like, undo, create = _waiting(1, "Like"), _waiting(2, "Undo"), _waiting(3)
    somebody_elses = _waiting(4, "Undo", actor=2)
    queue = _queue(like, undo, create, somebody_elses)
    assert queue.take() is like
    assert queue.withdraw(like) == [undo]
    queue.done(like)
    assert _take_all(queue) == [create, somebody_elses]


def test_nothing_goes_before_an_undo_that_failed() -> None:
    undo, like, elsewhere = _waiting(1, "Undo"), _waiting(2, "Like"), _waiting(3, "Like", inbox="https://far.example/i")
    queue = _queue(undo, like, elsewhere)
    assert queue.take() is undo
    assert queue.withdraw(undo) == [like]
