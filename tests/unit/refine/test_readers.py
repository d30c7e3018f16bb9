"""Networks of other packages are read as they compute, written back, or refused with a reason."""

from __future__ import annotations

import itertools
import warnings

import numpy as np
import pytest
from reference_refine import forward
from sklearn.neural_network import MLPClassifier, MLPRegressor

from convexnn import DeepReLUNetwork, ReLUNetwork, polish
from convexnn.exceptions import DataError, ModelFormatError
from convexnn.network import Activation
from convexnn.refine import explain, from_module, prune, rebuild_blocks, scale_report, to_module

RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 3))


def _torch():
    return pytest.importorskip("torch", reason="torch is not installed")


def test_own_values_and_pairs():
    shallow = ReLUNetwork(RNG.normal(size=(4, 3)), RNG.normal(size=4), RNG.normal(size=(4, 2)), RNG.normal(size=2))
    deep = from_module(shallow)
    np.testing.assert_allclose(deep.outputs(X), shallow.outputs(X), rtol=1e-14)
    assert from_module(deep) is deep
    pairs = [(np.array(w), np.array(b)) for w, b in deep.layers]
    np.testing.assert_allclose(from_module(pairs).outputs(X), forward(pairs, X), rtol=1e-12)


def test_other_activations_are_refused_where_only_relu_is_served():
    network = ReLUNetwork(np.eye(3), np.zeros(3), np.ones((3, 1)), [0.0], activation=Activation(-1.0))
    assert from_module(network).activation == network.activation
    assert scale_report(network, X).local > 0
    for work in (polish, prune):
        with pytest.raises(ModelFormatError, match="slope -1"):
            work(network, X, X[:, 0], beta=0.1)
    for work in (explain, rebuild_blocks):
        with pytest.raises(ModelFormatError, match="slope -1"):
            work(network, X)


@pytest.mark.parametrize("hidden", [(5,), (6, 4), (4, 4, 3)])
def test_scikit_learn(hidden):
    y = X[:, 0] - X[:, 1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = MLPRegressor(hidden_layer_sizes=hidden, max_iter=20, random_state=0).fit(X, y)
        classes = MLPClassifier(hidden_layer_sizes=hidden, max_iter=20, random_state=0).fit(X, y > 0)
    np.testing.assert_allclose(from_module(model).predict(X), model.predict(X), rtol=1e-10)
    outputs = from_module(classes).predict(X)
    np.testing.assert_allclose(1 / (1 + np.exp(-outputs)), classes.predict_proba(X)[:, 1], rtol=1e-10)


def test_polished_weights_go_back_into_scikit_learn():
    """The fitted MLP itself predicts as the polished network; unequal lists and other widths are refused."""
    y = X[:, 0] - X[:, 1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = MLPRegressor(hidden_layer_sizes=(6,), max_iter=20, random_state=0).fit(X, y)
    result = polish(model, X, y, beta=0.1)
    assert np.abs(result.network.predict(X) - model.predict(X)).max() > 1e-6
    to_module(result.network, model)
    np.testing.assert_allclose(model.predict(X), result.network.predict(X), rtol=1e-12)
    wider = DeepReLUNetwork(((np.ones((4, 3)), np.zeros(4)), (np.ones((1, 4)), np.zeros(1))))
    with pytest.raises(ModelFormatError, match="must match"):
        to_module(wider, model)
    leaky = DeepReLUNetwork(result.network.layers, activation=Activation(0.1))
    with pytest.raises(ModelFormatError, match="slope"):
        to_module(leaky, model)
    model.intercepts_ = model.intercepts_[:1]
    with pytest.raises(ModelFormatError, match="2 coefs_, but 1 intercepts_"):
        from_module(model)


def test_scikit_learn_with_another_activation_is_refused():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = MLPRegressor(hidden_layer_sizes=(4,), activation="tanh", max_iter=5).fit(X, X[:, 0])
    with pytest.raises(ModelFormatError, match="tanh"):
        from_module(model)
    with pytest.raises(ModelFormatError, match="dict cannot be read"):
        from_module({})


@pytest.mark.parametrize("widths", [(3, 8, 1), (3, 8, 5, 2), (3, 6, 6, 5, 1)])
def test_torch_round_trip(widths):
    """Read, polish, write into the same module: outputs equal those of the polished value to float32 accuracy."""
    torch = _torch()
    torch.manual_seed(0)
    parts = []
    for a, b in itertools.pairwise(widths):
        parts += [torch.nn.Linear(a, b), torch.nn.ReLU()]
    module = torch.nn.Sequential(torch.nn.Flatten(), *parts[:-1], torch.nn.Dropout(0.5))
    module.train()
    network = from_module(module)
    assert module.training
    module.eval()
    points = torch.tensor(X, dtype=torch.float32)
    with torch.no_grad():
        np.testing.assert_allclose(network.outputs(X), module(points).numpy(), rtol=1e-5, atol=1e-6)
    result = polish(module, X, RNG.normal(size=(30, widths[-1])), beta=0.1)
    to_module(result.network, module)
    with torch.no_grad():
        seen = module(points).numpy()
    size = np.abs(seen).max()
    assert np.abs(seen - result.network.outputs(X)).max() <= 1e-6 * size
    np.testing.assert_allclose(from_module(module).layers[0][0], result.network.layers[0][0], atol=1e-6)


def test_torch_custom_module_with_shared_activation():
    torch = _torch()

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.act = torch.nn.ReLU()
            self.one, self.two = torch.nn.Linear(3, 4), torch.nn.Linear(4, 1, bias=False)

        def forward(self, x):
            return self.two(self.act(self.one(x)))

    network = from_module(Net())
    assert network.widths == (4,)
    assert not network.layers[1][1].any()


def test_torch_modules_that_compute_something_else_are_refused():
    torch = _torch()
    nn = torch.nn

    class Skip(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two = nn.Linear(3, 3), nn.Linear(3, 1)

        def forward(self, x):
            return self.two(x + torch.relu(self.one(x)))

    for module in (
        Skip(),
        nn.Sequential(nn.Linear(3, 2), nn.Tanh(), nn.Linear(2, 1)),
        nn.Sequential(nn.Linear(3, 2), nn.ReLU(), nn.Linear(2, 2), nn.Softmax(dim=1)),
        nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1)),
    ):
        with pytest.raises(ModelFormatError, match="something else"):
            from_module(module)
    with pytest.raises(ModelFormatError, match="BatchNorm1d"):
        from_module(nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2), nn.ReLU(), nn.Linear(2, 1)))
    with pytest.raises(ModelFormatError, match="no Linear"):
        from_module(nn.ReLU())


def test_writing_needs_the_same_widths_and_biases():
    torch = _torch()
    module = torch.nn.Sequential(torch.nn.Linear(3, 2, bias=False), torch.nn.ReLU(), torch.nn.Linear(2, 1))
    other = DeepReLUNetwork(((np.ones((4, 3)), np.zeros(4)), (np.ones((1, 4)), np.zeros(1))))
    with pytest.raises(ModelFormatError, match="must match"):
        to_module(other, module)
    biased = DeepReLUNetwork(((np.ones((2, 3)), np.ones(2)), (np.ones((1, 2)), np.zeros(1))))
    with pytest.raises(DataError, match="no bias"):
        to_module(biased, module)
    with pytest.raises(ModelFormatError, match="neither a PyTorch module nor"):
        to_module(other, other)
