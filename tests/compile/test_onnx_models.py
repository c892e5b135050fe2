"""Trained models of scikit-learn in private, their weights public or of another party."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.datasets import load_diabetes, load_iris
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    AdaBoostClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier
from sklearn.naive_bayes import GaussianNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    PolynomialFeatures,
    RobustScaler,
    StandardScaler,
)
from sklearn.svm import SVC, SVR, LinearSVC, OneClassSVM
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import tacit
from tacit.run.secure import Simulation
from tests.compile.test_onnx import close, limit_of, private

onnx = pytest.importorskip("onnx")
skl2onnx = pytest.importorskip("skl2onnx")

X, Y = load_iris(return_X_y=True)
X = X.astype(np.float32).astype(float)
D, E = load_diabetes(return_X_y=True)
D, E = (10 * D).astype(np.float32).astype(float)[:120], E[:120] / 100
TWO = slice(0, 100)
MODELS: dict[str, tuple[Any, np.ndarray, np.ndarray | None]] = {
    "linear": (LinearRegression(), D, E),
    "logistic": (LogisticRegression(), X[TWO], Y[TWO]),
    "logistic-scaled": (make_pipeline(StandardScaler(), LogisticRegression()), X, Y),
    "logistic-text": (LogisticRegression(), X, np.array(["no", "perhaps", "yes"])[Y]),
    "ridge": (RidgeClassifier(), X, Y),
    "network": (MLPClassifier((8,), max_iter=150, random_state=0), X, Y),
    "network-two": (MLPClassifier((8,), max_iter=150, random_state=0, activation="logistic"), X[TWO], Y[TWO]),
    "network-tanh": (
        MLPRegressor(hidden_layer_sizes=(6, 4), max_iter=200, random_state=0, activation="tanh"),
        D,
        E,
    ),
    "tree": (DecisionTreeClassifier(max_depth=4, random_state=0), X, Y),
    "tree-regression": (DecisionTreeRegressor(max_depth=5, random_state=0), D, E),
    "forest": (RandomForestClassifier(8, max_depth=3, random_state=0), X, Y),
    "forest-regression": (RandomForestRegressor(8, max_depth=3, random_state=0), D, E),
    "extra-trees": (ExtraTreesClassifier(8, max_depth=3, random_state=0), X, Y),
    "boosting": (GradientBoostingClassifier(n_estimators=6, random_state=0), X, Y),
    "boosting-two": (GradientBoostingClassifier(n_estimators=6, random_state=0), X[TWO], Y[TWO]),
    "boosting-regression": (GradientBoostingRegressor(n_estimators=8, random_state=0), D, E),
    "ada": (AdaBoostClassifier(n_estimators=4, random_state=0), X, Y),
    "svm-linear": (LinearSVC(random_state=0), X, Y),
    "svm-rbf": (SVC(), X, Y),
    "svm-rbf-regression": (SVR(), D, E),
    "svm-one-class": (OneClassSVM(), X, None),
    "k-means": (KMeans(3, n_init=1, random_state=0), X, None),
    "pca": (make_pipeline(StandardScaler(), PCA(2)), X, None),
    "min-max": (make_pipeline(MinMaxScaler(), LogisticRegression()), X, Y),
    "robust": (RobustScaler(), X, None),
    "max-abs": (MaxAbsScaler(), X, None),
    "normaliser": (Normalizer(), X, None),
    "polynomial": (make_pipeline(PolynomialFeatures(2), LinearRegression()), X, Y),
    "bins": (KBinsDiscretizer(3, encode="ordinal", quantile_method="averaged_inverted_cdf"), X, None),
    "bayes": (GaussianNB(), X, Y),
    "bayes-counts": (MultinomialNB(), X, Y),
    "neighbours": (KNeighborsClassifier(3), X[::5], Y[::5]),
}


def trained(name: str) -> tuple[Any, Any]:
    """(the scikit-learn model, its file)."""
    model, x, y = MODELS[name]
    model.fit(x, y)
    options = {"zipmap": False} if hasattr(model, "predict_proba") else {}
    return model, skl2onnx.to_onnx(model, x[:1].astype(np.float32), options=options)


def wanted(name: str, model: Any, x: np.ndarray) -> list[np.ndarray]:
    """What scikit-learn says: classes by their places, then probabilities; or values."""
    if name == "k-means":
        return [model.predict(x), model.transform(x)]
    if not hasattr(model, "predict"):
        return [model.transform(x)]
    found = model.predict(x)
    if not hasattr(model, "predict_proba"):
        return [found]
    places = np.searchsorted(model.classes_, found) if found.dtype.kind == "U" else found
    return [places, model.predict_proba(x)]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", MODELS)
def test_a_trained_model_says_in_private_what_scikit_learn_says(name: str) -> None:
    fitted, file = trained(name)
    model, x = tacit.onnx.load(file), MODELS[name][1][3::11][:9]
    clear, shared = model(x), private(model, (x,))
    clear = list(clear.values()) if isinstance(clear, dict) else [clear]
    for theirs, plain, mine in zip(wanted(name, fitted, x), clear, shared, strict=False):
        close(np.reshape(plain, theirs.shape), theirs, 1e-4)
        close(np.reshape(mine, theirs.shape), theirs, 2.0**-9)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", MODELS)
def test_a_trained_model_can_be_private_altogether(name: str) -> None:
    """All of its weights are another party's, of ranges that nobody declares."""
    fitted, file = trained(name)
    x, (bare, weights) = MODELS[name][1][3::11][:9], tacit.onnx.load(file).split()
    with Simulation(["bank", "customer"], scheme="plain", insecure_seed=b"onnx" * 8) as parties:
        held = [parties["bank"].private(value) for value in weights.values()]
        got = tacit.secure(bare)(parties["customer"].private(x), *held)
    found = list(got.values()) if isinstance(got, dict) else [got]
    for theirs, mine in zip(wanted(name, fitted, x), found, strict=False):
        close(np.reshape(mine, theirs.shape), theirs, 2.0**-9)


def test_text_labels_are_places_in_a_list() -> None:
    _fitted, file = trained("logistic-text")
    assert set(tacit.onnx.load(file).labels.values()) == {("no", "perhaps", "yes")}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("scheme", ["semi2k", "rep3"])
@pytest.mark.parametrize("name", ["logistic-scaled", "boosting-two", "network-tanh"])
def test_the_bank_has_the_model_and_the_customer_the_data(name: str, scheme: str) -> None:
    fitted, file = trained(name)
    bare, weights = tacit.onnx.load(file).split()
    x = MODELS[name][1][:40:7]
    names = ["bank", "customer"] if scheme == "semi2k" else ["bank", "customer", "judge"]
    with tacit.sim(names, scheme=scheme) as parties:
        held = [parties["bank"].private(value, limit=limit_of(value)) for value in weights.values()]
        row = parties["customer"].private(x, limit=limit_of(x))
        run = tacit.secure(tacit.onnx.load(bare.to_bytes()))
        got = run(row, *held)
        assert run.program(row, *held).ins[0][1].type.vis.owner == 1
    last = list(got.values())[-1] if isinstance(got, dict) else got
    close(np.reshape(last, wanted(name, fitted, x)[-1].shape), wanted(name, fitted, x)[-1], 2.0**-9)


@pytest.mark.filterwarnings("ignore")
def test_a_model_without_weights_tells_none() -> None:
    for name in ("logistic-scaled", "boosting-two", "svm-rbf", "network"):
        _fitted, file = trained(name)
        bare, weights = tacit.onnx.load(file).split()
        said = bare.to_bytes()
        assert len(weights) >= 2 and bare.weights == {}
        for value in weights.values():
            for number in np.unique(value[np.abs(value - np.rint(value)) > 1e-3].astype(np.float32)):
                assert number.tobytes() not in said
