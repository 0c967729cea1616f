"""What is trained: a network, and in a teacher the filters that it looks through.

    features = look(filters, x)        without filters: x itself
    z, a     = forward(network, features)

Without filters it is the network that ships and nothing else.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from models.activations import Array
from models.network import Activity, Network, Parameters, forward, from_parameters, parameters
from training.backprop import backward
from training.convolution import (
    Filters,
    Sight,
    filter_parameters,
    filters_from,
    look,
    look_backward,
)
from training.losses import Loss


class Reader(NamedTuple):
    """Filters, none in a network that ships, and the network behind them."""

    filters: tuple[Filters, ...]
    network: Network


class Reading(NamedTuple):
    """What one forward pass computed."""

    seen: list[Sight]
    activity: Activity


def read(reader: Reader, x: Array, masks: Sequence[Array | None] = ()) -> Reading:
    """Run x (N, 784) through filters and network; masks are dropout's, the first on the features."""
    seen = look(reader.filters, x)
    inputs = seen[-1].a.reshape(len(x), -1) if seen else x
    return Reading(seen, forward(reader.network, inputs, masks))


def read_backward(  # noqa: PLR0913 - each is a part of the equations
    reader: Reader,
    reading: Reading,
    y: Array,
    loss: Loss,
    masks: Sequence[Array | None],
    *,
    out: Parameters,
) -> None:
    """Write d cost / d parameter of a batch into `out`, named as in all_parameters."""
    inputs = reading.activity.a[0]
    d_inputs = np.empty_like(inputs) if reader.filters else None
    backward(reader.network, reading.activity, y, loss, masks, out=out, d_x=d_inputs)
    if d_inputs is not None:
        look_backward(reader.filters, reading.seen, d_inputs, out)


def all_parameters(reader: Reader) -> Parameters:
    """Return the reader's own arrays by name: K0, c0, … of the filters, W0, b0, … of the network."""
    return filter_parameters(reader.filters) | parameters(reader.network)


def reader_from(named: Parameters, activations: Sequence[str]) -> Reader:
    """Build the reader whose all_parameters() are `named`."""
    return Reader(filters_from(named), from_parameters(named, activations))
