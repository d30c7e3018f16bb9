"""Networks in the formats of others compute the same function, say where they come from, and come back."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor

import convexnn
from convexnn.certificate import Certificate
from convexnn.data import make_clusters, make_spiral
from convexnn.exceptions import DataError, ModelFormatError, ParameterError
from convexnn.export import (
    export_network,
    from_onnx,
    from_sklearn,
    from_torch,
    import_network,
    network_notes,
    to_onnx,
    to_sklearn,
    to_text,
    to_torch,
)
from convexnn.export.network_files import FORMATS

rng = np.random.default_rng(0)


def _spiral():
    X, y = make_spiral(60, random_state=0)
    return convexnn.train(X, y, beta=1e-3 * convexnn.beta_max(X, y))


def _sparse():
    X, y = rng.normal(size=(12, 3)), rng.normal(size=12)
    return convexnn.train(X, y, beta=0.5, norm="l1")


def _outputs():
    X = rng.normal(size=(20, 1))
    return convexnn.train(X, np.hstack([np.abs(X), X**2]), beta=0.1)


def _homogeneous():
    X, y = rng.normal(size=(15, 2)), rng.normal(size=15)
    return convexnn.train(X, y, beta=0.2, bias=False)


def _deep():
    X, labels = make_clusters(60, 4, n_clusters=3, random_state=0)
    return convexnn.ConstructiveClassifier(kind="deep").fit(X, labels)


KINDS = {"spiral": _spiral, "l1": _sparse, "outputs": _outputs, "no bias": _homogeneous, "deep": _deep}


@pytest.fixture(scope="module", params=KINDS)
def model(request):
    return KINDS[request.param]()


def network_of(model):
    return getattr(model, "network", None) or model.network_


def inputs(network):
    return np.random.default_rng(1).normal(size=(10_000, network.n_features))


def layers_of(network):
    if isinstance(network, convexnn.ReLUNetwork):
        network = convexnn.DeepReLUNetwork.from_shallow(network)
    return [array for pair in network.layers for array in pair]


def assert_same_network(a, b):
    assert type(a) is type(b)
    for x, y in zip(layers_of(a), layers_of(b), strict=True):
        np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-12), ("float32", 1e-5)])
def test_onnx_runtime_computes_the_same_outputs(model, dtype, tolerance):
    runtime = pytest.importorskip("onnxruntime")
    network = network_of(model)
    X = inputs(network)
    session = runtime.InferenceSession(to_onnx(model, dtype=dtype).SerializeToString())
    (found,) = session.run(None, {"X": X.astype(dtype)})
    expected = network.outputs(X)
    assert found.dtype == dtype
    # Double precision: absolute, as the outputs are of order one. Single: relative to the largest output.
    size = 1.0 if dtype == "float64" else np.abs(expected).max()
    assert np.abs(found - expected).max() <= tolerance * size


@pytest.mark.parametrize("suffix", [".onnx", ".pt", ".safetensors"])
def test_files_come_back_bit_for_bit_with_their_certificate(model, suffix, tmp_path):
    pytest.importorskip({".pt": "torch", ".pth": "torch", ".onnx": "onnx"}.get(suffix, "safetensors"))
    path = tmp_path / f"model{suffix}"
    export_network(model, path, metadata={"author": "test"})
    assert_same_network(import_network(path), network_of(model))
    notes = network_notes(path)
    assert notes["convexnn"] == convexnn.__version__
    assert notes["author"] == "test"
    assert json.loads(notes["layers"])[0] == network_of(model).n_features
    if hasattr(model, "certificate"):
        assert Certificate.from_json(notes["certificate"]) == model.certificate


def test_the_same_model_gives_the_same_bytes(model, tmp_path):
    pytest.importorskip("onnx")
    for suffix in (".onnx", ".txt"):
        for name in "ab":
            export_network(model, tmp_path / f"{name}{suffix}")
        assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


def test_pytorch_module_computes_the_same_outputs_and_trains_on(model):
    torch = pytest.importorskip("torch")
    network = network_of(model)
    X = inputs(network)
    before = torch.random.get_rng_state()
    module = to_torch(model)
    assert torch.equal(before, torch.random.get_rng_state())
    out = module(torch.from_numpy(X))
    np.testing.assert_allclose(out.detach().numpy(), network.outputs(X), rtol=0, atol=1e-12)
    assert_same_network(from_torch(module), network)
    out.sum().backward()
    assert all(parameter.grad is not None for parameter in module.parameters())
    fresh = to_torch(model, dtype="float32")
    fresh.load_state_dict(module.state_dict())


def test_sklearn_regressor_predicts_the_same(model):
    network = network_of(model)
    X = inputs(network)
    if hasattr(model, "classes_"):
        model = network
    mlp = to_sklearn(model)
    assert isinstance(mlp, MLPRegressor)
    np.testing.assert_allclose(mlp.predict(X), network.predict(X), rtol=0, atol=1e-12)
    assert_same_network(from_sklearn(mlp), network)


@pytest.mark.parametrize("k", [2, 3])
def test_sklearn_classifier_has_the_probabilities_of_the_link(k):
    c = 1 if k == 2 else k
    network = convexnn.ReLUNetwork(rng.normal(size=(5, 2)), rng.normal(size=5), rng.normal(size=(5, c)), np.zeros(c))
    X = inputs(network)
    mlp = to_sklearn(network, classes=np.array(["a", "b", "c"])[:k])
    assert isinstance(mlp, MLPClassifier)
    f = network.outputs(X)
    odds = np.exp(np.hstack([np.zeros((len(X), 1)), f]) if k == 2 else f)
    np.testing.assert_allclose(mlp.predict_proba(X), odds / odds.sum(axis=1, keepdims=True), atol=1e-12)
    np.testing.assert_array_equal(mlp.predict(X), np.array(["a", "b", "c"])[odds.argmax(axis=1)])


def test_trained_sklearn_and_torch_models_are_read():
    X, y = make_spiral(40, random_state=0)
    mlp = MLPRegressor(hidden_layer_sizes=(7, 5), max_iter=20, random_state=0)
    with pytest.warns(ConvergenceWarning, match="Maximum iterations"):
        mlp.fit(X, y)
    np.testing.assert_allclose(from_sklearn(mlp).predict(X), mlp.predict(X), atol=1e-12)
    with pytest.raises(DataError, match="activation='tanh'"):
        from_sklearn(MLPRegressor(activation="tanh", max_iter=300).fit([[0.0], [1.0]], [0.0, 1.0]))
    torch = pytest.importorskip("torch")
    chain = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(2, 3, bias=False), torch.nn.ReLU())
    chain.append(torch.nn.Linear(3, 1))
    expected = chain(torch.from_numpy(X).float()).detach().numpy()[:, 0]
    np.testing.assert_allclose(from_torch(chain).predict(X), expected, atol=1e-5)
    with pytest.raises(DataError, match="Tanh"):
        from_torch(torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1)))


def test_text_states_the_function_and_the_samples():
    X = np.array([[0.0], [1.0], [2.0], [3.0]])
    result = convexnn.train(X, [0.0, 0.0, 1.0, 2.0], beta=1e-3)
    text = to_text(result, feature_names=["size"])
    assert "certified" in text
    assert "distance to the point through sample" in text
    assert "size" in text
    # The numbers in the text are enough to evaluate the network.
    total = float(text.split("f(x) = ")[1].split()[0])
    for line in text.splitlines():
        if line.startswith("  + "):
            coef, plane = float(line.split()[1]), line.split(" where ")[1].split(" > ")[0]
            total += coef * max(eval(plane.replace(" size", "*2.5")), 0.0)
    assert total == pytest.approx(result.network.predict([[2.5]])[0], abs=1e-4)


def test_text_of_a_deep_network_has_all_layers():
    text = to_text(_deep())
    assert "layer 1" in text
    assert "output" in text


@pytest.mark.parametrize("suffix", [suffix for suffix in FORMATS if suffix != ".txt"])
def test_damage_is_told(suffix, tmp_path):
    """Whatever reads networks says what is damaged, and what is missing."""
    pytest.importorskip({".pt": "torch", ".pth": "torch", ".onnx": "onnx"}.get(suffix, "safetensors"))
    path = tmp_path / f"model{suffix}"
    export_network(_deep(), path)
    content = path.read_bytes()
    for broken in (b"", b"not a model", content[: len(content) // 2]):
        path.write_bytes(broken)
        with pytest.raises(ModelFormatError):
            import_network(path)
    with pytest.raises(FileNotFoundError):
        import_network(tmp_path / f"none{suffix}")


def _edit(name):
    """An ONNX model with one thing changed that a reader must not accept."""
    onnx = pytest.importorskip("onnx")
    proto = to_onnx(_homogeneous())
    first, node = proto.graph.initializer[0], proto.graph.node[0]
    if name == "operator":
        proto.graph.node[1].op_type = "Tanh"
    elif name == "domain":
        node.domain = "com.example"
    elif name == "negative dimension":
        first.dims[0] = -1
    elif name == "huge dimension":
        first.dims[0] = 2**40
    elif name == "columns of the input":
        proto.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 7
    elif name == "columns of the output":
        proto.graph.output[0].type.tensor_type.shape.dim[1].dim_value = -1
    elif name == "external data":
        onnx.external_data_helper.set_external_data(first, location="../secret")
    elif name == "weight":
        values = onnx.numpy_helper.to_array(first).copy()
        values[0, 0] += 1.0
        first.CopyFrom(onnx.numpy_helper.from_array(values, first.name))
    elif name == "note":
        onnx.helper.set_model_props(proto, {e.key: e.value for e in proto.metadata_props} | {"convexnn": "9"})
    elif name == "slope":
        proto.graph.node[1].op_type = "LeakyRelu"
    elif name == "input":
        node.input[0] = "Y"
    return proto


@pytest.mark.parametrize(("name", "message"), [
    ("operator", "Tanh"), ("domain", "domain 'com.example'"), ("negative dimension", "not negative"),
    ("huge dimension", "chain of Gemm"), ("columns of the input", "the layers have 2 columns"),
    ("columns of the output", "not negative"), ("external data", "outside the file"), ("weight", "checksum"),
    ("note", "checksum"), ("slope", "checksum"), ("input", "of 'X' was expected"),
])  # fmt: skip
def test_another_graph_is_refused(name, message, tmp_path):
    pytest.importorskip("onnx")
    proto = _edit(name)
    with pytest.raises(ModelFormatError, match=message):
        from_onnx(proto)
    (tmp_path / "a.onnx").write_bytes(proto.SerializeToString())
    with pytest.raises(ModelFormatError):
        import_network(tmp_path / "a.onnx")


def test_an_empty_graph_is_refused():
    onnx = pytest.importorskip("onnx")
    with pytest.raises(ModelFormatError):
        from_onnx(onnx.ModelProto())


@pytest.mark.parametrize("slope", [0.1, 0.5, -1.0])
def test_other_slopes_go_into_every_format(slope, tmp_path):
    runtime = pytest.importorskip("onnxruntime")
    net = convexnn.DeepReLUNetwork(
        tuple((rng.normal(size=s), rng.normal(size=s[0])) for s in ((4, 3), (5, 4), (2, 5))),
        activation=convexnn.network.Activation(slope),
    )
    X = inputs(net)
    for suffix in (".onnx", ".safetensors"):
        export_network(net, tmp_path / f"a{suffix}")
        assert import_network(tmp_path / f"a{suffix}").activation == net.activation
        assert_same_network(import_network(tmp_path / f"a{suffix}"), net)
    session = runtime.InferenceSession(to_onnx(net, dtype="float32").SerializeToString())
    (found,) = session.run(None, {"X": X.astype(np.float32)})
    assert np.abs(found - net.outputs(X)).max() <= 1e-5 * np.abs(net.outputs(X)).max()
    with pytest.raises(DataError, match="slope"):
        to_sklearn(net)
    assert "slope" in to_text(net)


@pytest.mark.parametrize("slope", [0.1, -1.0])
def test_other_slopes_in_torch(slope, tmp_path):
    torch = pytest.importorskip("torch")
    net = convexnn.ReLUNetwork(
        rng.normal(size=(4, 3)), rng.normal(size=4), rng.normal(size=(4, 1)), [0.5],
        activation=convexnn.network.Activation(slope),
    )  # fmt: skip
    X = inputs(net)
    np.testing.assert_allclose(to_torch(net)(torch.from_numpy(X)).detach().numpy(), net.outputs(X), atol=1e-12)
    export_network(net, tmp_path / "a.pt")
    for found in (from_torch(to_torch(net)), import_network(tmp_path / "a.pt")):
        assert found.activation == net.activation
        assert_same_network(found, net)
    mixed = to_torch(convexnn.DeepReLUNetwork(((np.eye(2), np.ones(2)),) * 3))
    mixed[1] = torch.nn.LeakyReLU(0.2)
    with pytest.raises(DataError, match="must be the same"):
        from_torch(mixed)


def test_unequal_lists_of_a_sklearn_model_are_refused():
    mlp = to_sklearn(_homogeneous())
    mlp.intercepts_ = mlp.intercepts_[:1]
    with pytest.raises(DataError, match="2 coefs_, but 1 intercepts_"):
        from_sklearn(mlp)


def test_bad_arguments_are_named(tmp_path):
    pytest.importorskip("onnx")
    network = convexnn.ReLUNetwork(np.full((1, 1), 1e200), np.zeros(1), np.ones((1, 1)), np.zeros(1))
    with pytest.raises(DataError, match="float32"):
        to_onnx(network, dtype="float32")
    with pytest.raises(ParameterError, match="float16"):
        to_onnx(network, dtype="float16")
    with pytest.raises(ParameterError, match="suffix"):
        export_network(network, tmp_path / "model.bin")
    with pytest.raises(ParameterError, match="has no network"):
        to_onnx("nothing")
    with pytest.raises(DataError, match="labels need"):
        to_sklearn(network, classes=[0, 1, 2])
    with pytest.raises(DataError, match="feature_names"):
        to_text(network, feature_names=["a", "b"])
