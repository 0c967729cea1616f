"""Batches: what waits together is read together, and each gets its own answer."""

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from flask import Flask
from prometheus_client import REGISTRY

from service.api import micro_batching
from service.server.connection import Request
from service.server.request_head import RequestHead
from service.server.wsgi import PendingResponse, environ_of
from tests.parity import digits_offline, png_of
from training.data import Examples


def begun(app: Flask, body: bytes) -> PendingResponse:
    """Begin to answer a PNG, as the worker does."""
    fields = {"CONTENT_TYPE": "image/png", "CONTENT_LENGTH": str(len(body)), "HTTP_HOST": "a"}
    head = RequestHead(
        *("POST", "/predict", "", "HTTP/1.1", "http", fields, len(body)), close=False, expects_continue=False
    )
    environ = environ_of(Request(head, body), {"SERVER_NAME": "a", "SERVER_PORT": "80"})
    return PendingResponse(app.wsgi_app, environ)


def document(answer: PendingResponse) -> dict[str, Any]:
    """Finish an answer, and return what it says."""
    written: dict[str, Any] = json.loads(answer.finish(close=False).split(b"\r\n\r\n")[1])
    return written


def batches_run() -> float:
    """Return how often the network was run in this process."""
    return REGISTRY.get_sample_value("digits_stage_duration_seconds_count", {"stage": "forward"}) or 0.0


@pytest.mark.parametrize("order", [lambda a: a, lambda a: a[::-1]], ids=["as begun", "backwards"])
def test_what_waits_together_is_read_together(
    app: Flask, mnist_500: Examples, order: Callable[[list[int]], list[int]]
) -> None:
    """Nine requests that have begun are one batch; in any order, each gets what it would get alone."""
    pngs = [png_of(image) for image in mnist_500.images[:9]]
    alone = [document(begun(app, png)) for png in pngs]
    before = batches_run()
    together = [begun(app, png) for png in pngs]
    assert batches_run() == before
    answers = {index: document(together[index]) for index in order(list(range(9)))}
    assert batches_run() == before + 1
    assert [answers[index]["digit"] for index in range(9)] == digits_offline(mnist_500.images[:9])
    for index, answer in enumerate(alone):
        np.testing.assert_allclose(
            answers[index].pop("probabilities"), answer.pop("probabilities"), atol=1e-6
        )
        np.testing.assert_allclose(answers[index].pop("confidence"), answer.pop("confidence"), atol=1e-6)
        assert answers[index] == answer


def test_threads_do_not_wait_for_each_other(app: Flask, seven: bytes) -> None:
    """What one thread was handed is no part of another's batch."""
    first = begun(app, seven)
    other = threading.Thread(target=lambda: document(begun(app, seven)))
    before = batches_run()
    other.start()
    other.join()
    assert batches_run() == before + 1
    assert document(first)["digit"] == 7
    assert batches_run() == before + 2


def test_a_failure_is_one_request_s(app: Flask, seven: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the network can't be run for a batch, the request that ran it is answered 500, and no other."""
    together = [begun(app, seven) for _ in range(3)]
    with monkeypatch.context() as patch:
        patch.setattr(micro_batching, "read", lambda *_: _raise(MemoryError))
        failed = document(together[0])
    assert (failed["status"], failed["instance"]) == (500, "/predict")
    assert [document(answer)["digit"] for answer in together[1:]] == [7, 7]


def _raise(error: type[Exception]) -> None:
    raise error


def test_two_models_are_two_batches(app: Flask, seven: bytes) -> None:
    """Requests that began before and after a change of model are each read by their own."""
    model = app.extensions["digits"].model
    images = [np.zeros((28, 28), np.uint8)]
    old, new = (
        micro_batching.submit(model, images),
        micro_batching.submit(replace(model), images),
    )
    before = batches_run()
    assert old.result() is not new.result()
    assert batches_run() == before + 2
    assert document(begun(app, seven))["digit"] == 7
