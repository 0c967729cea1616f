"""Draw the plots of the walkthrough by running the project's own functions.

    python -m scripts.walkthrough_plots [OUT_DIR]    writes every figure as a PNG, by default into docs/images

Each function in FIGURES returns one figure; its key is the name of the file. All randomness is seeded.
"""

import argparse
import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from models.activations import ELEMENTWISE, Array, prelu, prelu_derivative, softmax, softmax_backward
from models.network import Layer, Network, Parameters, forward, parameters
from models.preprocessing import preprocess
from training.backprop import backward
from training.data.augmentation import deform
from training.dropout import dropout_masks
from training.initializers import FIRST_PRELU_SLOPE, initialise
from training.losses import LOSSES, cost, difference
from training.optimizers import Adam, GradientDescent, Momentum, Optimizer
from training.schedules import SCHEDULES, learning_rate_at

FOLDER = Path(__file__).parent.parent / "docs"
SAMPLES = FOLDER.parent / "tests" / "data" / "mnist_500.npz"
# The colours of Okabe and Ito, which colour-blind readers can tell apart.
BLUE, ORANGE, GREEN, PINK = "#0072b2", "#d55e00", "#009e73", "#cc79a7"
GREY, INK = "#9aa5b1", "#1f2933"
WIDTH_INCHES, DOTS_PER_INCH, COLOURS = 9.0, 130, 200

Data = tuple[Array, Array]
# Any, because the type of matplotlib's setting names differs between its versions.
STYLE: Any = {
    # An opaque white background keeps the plots readable on dark pages.
    "figure.facecolor": "white",
    "figure.constrained_layout.use": True,
    "font.size": 10,
    "text.color": INK,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e4e7eb",
    "grid.linewidth": 0.8,
    "xtick.color": INK,
    "ytick.color": INK,
    "lines.linewidth": 2.0,
    "legend.frameon": False,
}
CONTOURS: Any = {"levels": 14, "colors": GREY, "linewidths": 0.8}


def activations() -> Figure:
    """Draw every activation and its derivative."""
    figure, axes = _grid(3, 3, height=7.2)
    z = np.linspace(-4, 4, 801)
    names = ("identity", "sigmoid", "tanh", "relu", "leaky_relu", "prelu", "sqnl", "arctan", "softmax")
    for axis, name in zip(axes, names, strict=True):
        a, slope = _curve(name, z)
        axis.plot(z, a, color=BLUE, label="a = f(z)")
        axis.plot(z, slope, color=ORANGE, linestyle="--", label="f'(z)")
        axis.set(title=name, ylim=(-1.8, 2.2), xlim=(-4, 4))
    axes[-1].set_title("softmax of (z, 0, 0)")
    axes[0].legend(loc="upper left")
    return figure


def _curve(name: str, z: Array) -> tuple[Array, Array]:
    if name == "softmax":
        rows = np.stack([z, np.zeros_like(z), np.zeros_like(z)], axis=1)
        first = np.eye(3)[[0] * len(z)]
        return softmax(rows)[:, 0], softmax_backward(rows, first)[:, 0]
    if name == "prelu":
        slope = np.asarray(FIRST_PRELU_SLOPE)
        return prelu(z, slope), prelu_derivative(z, slope)
    return ELEMENTWISE[name].function(z), ELEMENTWISE[name].derivative(z)


def losses() -> Figure:
    """Draw each loss and its gradient for outputs y_hat around the target y = 1."""
    figure, (left, right) = _grid(1, 2, height=4.0)
    y_hat = np.linspace(-1, 3, 801)[:, None]
    y = np.ones_like(y_hat)
    left.plot(y_hat, difference(y_hat, y), color=GREY, linestyle=":", label="plain difference")
    for name, label, colour, style in (
        ("mae", "MAE", BLUE, "-"),
        ("mse", "MSE (= SSE for one output)", ORANGE, "-"),
        ("hinge", "hinge", GREEN, "--"),
    ):
        left.plot(y_hat, LOSSES[name].function(y_hat, y), color=colour, linestyle=style, label=label)
        right.plot(y_hat, LOSSES[name].gradient(y_hat, y), color=colour, linestyle=style)
    p = np.linspace(0.05, 1, 400)[:-1]
    z, target = np.log(np.stack([p, 1 - p], axis=1)), np.eye(2)[[0] * len(p)]
    entropy = LOSSES["cross_entropy"]
    left.plot(p, entropy.function(z, target), color=PINK, label="cross-entropy (0 < y_hat < 1)")
    right.plot(p, entropy.gradient(z, target)[:, 0], color=PINK)
    left.set(title="loss, for y = 1", xlabel="y_hat", ylim=(-2.1, 4.1))
    right.set(title="its gradient (cross-entropy: by z)", xlabel="y_hat", ylim=(-4.1, 4.1))
    figure.legend(loc="outside lower center", ncols=5, fontsize=9)
    for axis in (left, right):
        axis.axvline(1, color=GREY, linewidth=1)
    return figure


def learning_rates() -> Figure:
    """Minimise the cost of the walkthrough's 3-1-1 network over its last weight, at three learning rates."""
    figure, axes = _grid(1, 3, height=3.2, share=True)
    x, y, loss = np.array([[0.6, 0.4, 0.2]]), np.array([[1.0]]), LOSSES["mse"]
    hidden = Layer(np.array([[2.0], [-1.5], [1.0]]), np.array([-0.8]), "sigmoid")

    def network_with(w: float) -> Network:
        return hidden, Layer(np.array([[w]]), np.array([0.1]), "identity")

    def cost_at(w: float) -> float:
        return cost(loss.function(forward(network_with(w), x).a[-1], y))

    line = np.linspace(-1.6, 5.2, 200)
    for axis, rate, words in zip(axes, (0.2, 1.5, 4.2), ("too small", "right", "too large"), strict=True):
        network = network_with(0.4)
        only = {"W1": network[1].W}
        path = [0.4]
        for _ in range(6):
            activity = forward(network, x)
            gradients = backward(network, activity, loss.cost_gradient(activity, y))
            GradientDescent().step(only, gradients, rate)
            path.append(network[1].W.item())
        axis.plot(line, [cost_at(w) for w in line], color=GREY)
        axis.plot(path, [cost_at(w) for w in path], "o-", color=BLUE, markersize=5, linewidth=1.2)
        axis.plot(path[0], cost_at(path[0]), "o", color=ORANGE, markersize=8)
        axis.set(title=f"η = {rate}: {words}", xlabel="weight W1", ylim=(-0.1, 2.6))
    axes[0].set_ylabel("cost")
    return figure


def descent_paths() -> Figure:
    """Fit a straight line by full-batch, mini-batch and stochastic descent, with five epochs each."""
    figure, axes = _grid(1, 3, height=3.5, share=True)
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (60, 1))
    y = 2 * x - 1 + rng.normal(0, 0.5, (60, 1))
    plane = _plane((x, y), lambda w, b: (np.array([[w]]), np.array([b])), (-0.4, 2.9, -1.7, 0.5))
    sizes = ((60, "full batch"), (10, "mini-batches of 10"), (1, "stochastic"))
    for axis, (size, words) in zip(axes, sizes, strict=True):
        order = np.concatenate([np.random.default_rng(epoch).permutation(60) for epoch in range(5)])
        batches = [order[first : first + size] for first in range(0, len(order), size)]
        network = (Layer(np.zeros((1, 1)), np.zeros(1), "identity"),)
        path = _descend(network, (x, y), GradientDescent(), 0.1, batches)
        axis.contour(*plane, **CONTOURS)
        _path(axis, [(p["W0"].item(), p["b0"].item()) for p in path])
        axis.set(title=f"{words}: {len(batches)} steps", xlabel="W")
    axes[0].set_ylabel("b")
    return figure


def optimizers() -> Figure:
    """Minimise, in thirty steps, a cost that is steep in one direction: one input is four times as large."""
    figure, axes = _grid(1, 4, height=2.9, share=True)
    rng = np.random.default_rng(0)
    x = rng.normal(0, 1, (50, 2)) * [1, 0.25]
    y = x @ np.array([[1.0], [1.0]])
    plane = _plane((x, y), lambda u, v: (np.array([[u], [v]]), np.zeros(1)), (-1, 2.6, -1.2, 2.2))
    chosen: list[tuple[str, Optimizer, float]] = [
        ("gradient descent", GradientDescent(), 0.4),
        ("momentum", Momentum(0.8), 0.25),
        ("Nesterov", Momentum(0.8, nesterov=True), 0.25),
        ("Adam", Adam(), 0.15),
    ]
    for axis, (name, optimizer, rate) in zip(axes, chosen, strict=True):
        network = (Layer(np.array([[-0.6], [-0.8]]), np.zeros(1), "identity"),)
        path = _descend(network, (x, y), optimizer, rate, [np.arange(50)] * 30)
        axis.contour(*plane, **CONTOURS)
        _path(axis, [(p["W0"][0, 0], p["W0"][1, 0]) for p in path])
        axis.set(title=name, xlabel=f"first weight\n(η = {rate})")
    axes[0].set_ylabel("second weight")
    return figure


def _descend(
    network: Network, data: Data, optimizer: Optimizer, rate: float, batches: Sequence[np.ndarray]
) -> list[Parameters]:
    """Return copies of the parameters before the first step and after each step."""
    (x, y), named = data, parameters(network)
    path = [{name: p.copy() for name, p in named.items()}]
    for batch in batches:
        activity = forward(network, x[batch])
        gradients = backward(network, activity, LOSSES["mse"].cost_gradient(activity, y[batch]))
        optimizer.step(named, gradients, rate)
        path.append({name: p.copy() for name, p in named.items()})
    return path


def _plane(
    data: Data, arrays: Callable[[float, float], Data], span: tuple[float, float, float, float]
) -> tuple[Array, Array, Array]:
    """Return u, v and, at each (v, u), the square root of the cost of a neuron with W, b = arrays(u, v)."""
    us, vs = np.linspace(*span[:2], 60), np.linspace(*span[2:], 60)
    return us, vs, np.sqrt([[_cost_of(arrays(u, v), data) for u in us] for v in vs])


def _cost_of(arrays: Data, data: Data) -> float:
    (x, y), neuron = data, Layer(*arrays, "identity")
    return cost(LOSSES["mse"].function(forward((neuron,), x).a[-1], y))


def _path(axis: Axes, points: Sequence[tuple[float, float]]) -> None:
    axis.plot(*zip(*points, strict=True), "o-", color=BLUE, markersize=2.5, linewidth=1)
    axis.plot(*points[0], "o", color=ORANGE, markersize=8)
    axis.plot(*points[-1], "*", color=GREEN, markersize=13, zorder=3)
    axis.grid(visible=False)


def initialisation() -> Figure:
    """Show the activations of five layers of 256 neurons for each way to initialise the weights."""
    figure, axes = _grid(3, 5, height=5.2)
    x = np.random.default_rng(0).standard_normal((300, 256))
    rows = (("uniform", "tanh"), ("xavier", "tanh"), ("he", "relu"))
    for row, (weights, activation) in enumerate(rows):
        network = initialise([256] * 6, [activation] * 5, np.random.default_rng(1), weights=weights)
        for column, a in enumerate(forward(network, x).a[1:]):
            axis = axes[5 * row + column]
            _histogram(axis, a, activation, (ORANGE, BLUE, GREEN)[row])
            if row == 0:
                axis.set_title(f"layer {column + 1}")
        axes[5 * row].set_ylabel(f"{weights}, {activation}", fontweight="bold")
    return figure


def _histogram(axis: Axes, a: Array, activation: str, colour: str) -> None:
    """Draw the distribution of the activations, and label the share of saturated ones."""
    if activation == "tanh":
        axis.hist(a.ravel(), bins=40, range=(-1, 1), density=True, color=colour)
        axis.set_xlabel(f"{(np.abs(a) > 0.99).mean():.0%} beyond ±0.99", fontsize=9)
    else:
        axis.hist(a[a > 0], bins=40, range=(0, 4), density=True, color=colour)
        axis.set_xlabel(f"above 0; {(a == 0).mean():.0%} are 0", fontsize=9)
    axis.set(yticks=[])


def schedules() -> Figure:
    """Draw the learning rate over a training for each schedule, and the cosine with a warm-up."""
    figure, (axis,) = _grid(1, 1, height=3.0)
    steps = 400
    curves = [(name, name, 0) for name in SCHEDULES] + [("cosine after a warm-up", "cosine", 40)]
    styles = ((GREY, "-"), (GREEN, "-"), (BLUE, "-"), (ORANGE, "--"))
    for (label, name, warmup), (colour, style) in zip(curves, styles, strict=True):
        rates = [learning_rate_at(step, steps, 0.1, name, warmup) for step in range(steps)]
        axis.plot(rates, color=colour, linestyle=style, label=label)
    axis.set(xlabel="step", ylabel="learning rate η", xlim=(0, steps), ylim=(0, 0.108))
    axis.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


def overfitting() -> Figure:
    """Fit sixty noisy points without and with dropout: the decision border, and both costs."""
    figure, axes = _grid(1, 3, height=3.6)
    rng = np.random.default_rng(0)
    train, validation = _moons(60, rng), _moons(1000, rng)
    runs = ((0.0, "no dropout", ORANGE), (0.5, "dropout", BLUE))
    for axis, (rate, words, colour) in zip(axes, runs, strict=False):
        network = initialise([2, 64, 64, 2], ["relu", "relu", "softmax"], np.random.default_rng(1))
        curves = np.array(list(_costs(network, train, validation, rate)))
        _border(axis, network, train)
        wrong = (forward(network, validation[0]).a[-1] > 0.5) != (validation[1] > 0.5)
        axis.set_title(f"{words}: {wrong.mean():.0%} wrong")
        axes[2].plot(curves[:, 0], color=colour, linestyle=":", label=f"training, {words}")
        axes[2].plot(curves[:, 1], color=colour, label=f"validation, {words}")
        best = int(curves[:, 1].argmin())
        axes[2].plot(best, curves[best, 1], "o", color=colour, markersize=7)
    axes[2].set(title="cost", xlabel="step", ylim=(0, 1.15), xlim=(0, 600))
    figure.legend(loc="outside lower center", ncols=4, fontsize=9)
    return figure


def _moons(n: int, rng: np.random.Generator) -> Data:
    """Return n noisy points (n, 2) on two interlocking half circles, and their classes (n, 2), one-hot."""
    angle, which = rng.uniform(0, np.pi, n), rng.integers(0, 2, n)
    sign = 1 - 2 * which
    centre = np.stack([which, which / 2], axis=1)
    circle = np.stack([sign * np.cos(angle), sign * np.sin(angle)], axis=1)
    return centre + circle + rng.normal(0, 0.35, (n, 2)), np.eye(2)[which]


def _costs(network: Network, train: Data, validation: Data, rate: float) -> Iterator[list[float]]:
    """Train for 600 steps; after each, yield the costs of train and validation, measured without dropout."""
    optimizer, loss, rng = Adam(), LOSSES["cross_entropy"], np.random.default_rng(2)
    x, y = train
    for _ in range(600):
        masks = dropout_masks([0, rate, rate], [2, 64, 64], len(x), rng)
        activity = forward(network, x, masks)
        gradients = backward(network, activity, loss.cost_gradient(activity, y), masks, from_logits=True)
        optimizer.step(parameters(network), gradients, 0.005)
        yield [cost(loss.function(forward(network, xs).z[-1], ys)) for xs, ys in (train, validation)]


def _border(axis: Axes, network: Network, train: Data) -> None:
    """Draw the regions of the two classes, the border between them, and the training points."""
    x, y = train
    across, up = np.linspace(-1.9, 2.9, 200), np.linspace(-1.6, 1.9, 200)
    plane = np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2)
    p = forward(network, plane).a[-1][:, 1].reshape(200, 200)
    axis.contourf(across, up, p, levels=[0, 0.5, 1], colors=["#dbeafe", "#fde6d8"])
    axis.contour(across, up, p, levels=[0.5], colors=INK, linewidths=1)
    for k, colour in enumerate((BLUE, ORANGE)):
        axis.plot(*x[y[:, k] == 1].T, "o", color=colour, markersize=5, markeredgecolor="white")
    axis.set(xticks=[], yticks=[])
    axis.grid(visible=False)


def image() -> Figure:
    """Show a digit as an image, and as the network's input: 28 rows of 28 pixels in one vector."""
    figure = Figure(figsize=(WIDTH_INCHES, 3.0))
    left, right = figure.subplots(1, 2, width_ratios=[1, 2.6])
    digit = _samples()[:1]
    left.imshow(digit[0], cmap="gray")
    left.set(title="28 × 28 pixels", xticks=[0, 27], yticks=[0, 27])
    left.grid(visible=False)
    x = preprocess(digit)[0]
    right.fill_between(np.arange(len(x)), x, step="mid", color=BLUE, linewidth=0)
    right.set(title="784 inputs, row after row", xlim=(0, 784), ylim=(0, 1.02))
    right.set_xlabel("index in x: 28 · row + column")
    right.set_xticks(range(0, 785, 28 * 4))
    return figure


def deformation() -> Figure:
    """Show digits as they are (first column) and as training deforms them."""
    figure, axes = _grid(2, 8, height=2.5)
    for row, digit in enumerate(_samples()[[0, 4]]):
        copies = deform(np.repeat(digit[None], 7, axis=0), np.random.default_rng(row))
        for axis, picture in zip(axes[8 * row :], (digit, *copies), strict=False):
            axis.imshow(picture, cmap="gray")
            axis.set_axis_off()
    axes[0].set_title("original", fontsize=10)
    return figure


def _samples() -> np.ndarray:
    with np.load(SAMPLES) as archive:
        return np.asarray(archive["images"])


def _grid(rows: int, columns: int, *, height: float, share: bool = False) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(WIDTH_INCHES, height))
    axes = figure.subplots(rows, columns, squeeze=False, sharex=share, sharey=share)
    return figure, list(axes.ravel())


FIGURES: dict[str, Callable[[], Figure]] = {
    "activations": activations,
    "losses": losses,
    "learning_rates": learning_rates,
    "descent_paths": descent_paths,
    "optimizers": optimizers,
    "initialisation": initialisation,
    "schedules": schedules,
    "overfitting": overfitting,
    "deformation": deformation,
    "image": image,
}


def draw(folder: Path) -> list[Path]:
    """Write every figure to folder and return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    with rc_context(STYLE):
        return [write(figure(), folder / f"{name}.png") for name, figure in FIGURES.items()]


def write(figure: Figure, path: Path, method: Image.Quantize = Image.Quantize.MEDIANCUT) -> Path:
    """Write the figure with few colours: this halves the bytes without a visible difference."""
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", dpi=DOTS_PER_INCH)
    Image.open(drawn).convert("RGB").quantize(COLOURS, method).save(path, optimize=True)
    return path


def main(arguments: Sequence[str] | None = None) -> None:
    """Draw the figures into the folder named on the command line."""
    parser = argparse.ArgumentParser(
        "python -m scripts.walkthrough_plots", description="Draw the plots of the walkthrough."
    )
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER / "images", metavar="OUT_DIR")
    draw(parser.parse_args(arguments).folder)


if __name__ == "__main__":
    main()
