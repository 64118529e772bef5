"""`validation_split` and `groups`: which samples a fit holds out."""

import numpy as np
import pytest
import sklearn
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    GroupShuffleSplit,
    KFold,
    PredefinedSplit,
    ShuffleSplit,
    StratifiedShuffleSplit,
    TimeSeriesSplit,
)
from small_networks import LABELS, X, Y, assert_same_training, classifier, labels, regressor

GROUPS = np.repeat(list("abcdef"), 4)
FOLDS = np.where(np.arange(len(X)) % 3 == 1, 0, -1)


def by_hand(make, y, training, held_out, **parameters):
    """Return a fit on the samples of one part, validated by the other."""
    return make(**parameters).fit(
        X[training], y[training], validation_data=(X[held_out], y[held_out])
    )


def assert_same_fit(fitted, other):
    assert_same_training(fitted, other)
    assert fitted.history_["val_loss"] == other.history_["val_loss"]


def held_out_by(fit, make=regressor, **parameters):
    """Return which samples a fit holds out, from what its metric sees of them."""
    seen = []

    def values(y_true, y_pred):
        seen.append(np.sort(y_true))
        return 0.0

    fit(make(metrics=values, epochs=1, **parameters))
    training, held_out = seen
    return training, held_out


@pytest.mark.parametrize(("make", "y"), [(regressor, Y), (classifier, LABELS)])
def test_last_holds_out_the_last_samples_of_either_estimator(make, y):
    fitted = make(validation_split="last", validation_fraction=0.25).fit(X, y)
    assert_same_fit(fitted, by_hand(make, y, np.arange(18), np.arange(18, 24)))


@pytest.mark.parametrize("shuffled", [False, True], ids=["sorted by y", "shuffled"])
def test_stratified_holds_out_samples_from_all_of_the_range_of_a_number(shuffled):
    y = np.random.default_rng(0).permutation(24) if shuffled else np.arange(24)
    training, held_out = held_out_by(
        lambda network: network.fit(X, 1.0 * y),
        validation_split="stratified",
        validation_fraction=0.25,
    )
    assert (held_out // 4).tolist() == [0, 1, 2, 3, 4, 5]
    assert sorted([*training, *held_out]) == list(range(24))


def test_stratified_is_a_plain_draw_of_several_outputs():
    asked = {"validation_split": "stratified", "validation_fraction": 0.25}
    histories = [regressor(**asked).fit(X, np.c_[Y, Y]).history_ for _ in range(2)]
    assert histories[0]["val_loss"] == histories[1]["val_loss"]
    assert histories[0]["loss"] != regressor(validation_fraction=0.25).fit(X, Y).history_["loss"]


@pytest.mark.parametrize(
    ("splitter", "last"),
    [
        (KFold(4), slice(18, 24)),
        (TimeSeriesSplit(3, gap=2), slice(18, 24)),
        (PredefinedSplit(FOLDS), FOLDS == 0),
        (ShuffleSplit(1, test_size=0.25, random_state=3), None),
        (GroupShuffleSplit(1, random_state=3), None),
    ],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize(("make", "y"), [(regressor, Y), (classifier, LABELS)])
def test_a_splitter_holds_out_its_last_split(make, y, splitter, last):
    needs_groups = isinstance(splitter, GroupShuffleSplit)
    groups = GROUPS if needs_groups else None
    *_, (training, held_out) = splitter.split(X, y, groups)
    if last is not None:
        assert held_out.tolist() == np.arange(24)[last].tolist()
    fitted = make(validation_split=splitter).fit(X, y, groups=groups)
    assert_same_fit(fitted, by_hand(make, y, np.sort(training), np.sort(held_out)))


def test_a_splitter_without_a_seed_gets_that_of_the_estimator_and_stays_as_it_was():
    splitter = ShuffleSplit(1, test_size=0.25)
    fits = [regressor(validation_split=splitter, random_state=i).fit(X, Y) for i in (0, 0, 1)]
    assert splitter.random_state is None
    losses = [fitted.history_["val_loss"] for fitted in fits]
    assert losses[0] == losses[1] != losses[2]


def test_a_splitter_sees_labels_and_samples_of_no_weight_which_are_left_out():
    y, weights = np.array(list("ab"))[LABELS], np.where(np.arange(24) < 20, 1.0, 0.0)
    splitter = StratifiedShuffleSplit(1, test_size=0.25, random_state=0)
    [(training, held_out)] = splitter.split(X, y)
    fitted = classifier(validation_split=splitter).fit(X, y, weights)
    training, held_out = (np.sort(part[part < 20]) for part in (training, held_out))
    assert_same_fit(fitted, by_hand(classifier, y, training, held_out))


def test_groups_reach_the_splitter_through_a_search():
    splitter = GroupShuffleSplit(1, test_size=0.4)
    seen = []

    def groups_apart(y_true, y_pred):
        seen.append(set(GROUPS[np.searchsorted(Y_SORTED, y_true)]))
        return 0.0

    y = Y_SORTED = np.arange(24.0)
    network = regressor(validation_split=splitter, metrics=groups_apart, epochs=1, dtype="float64")
    with sklearn.config_context(enable_metadata_routing=True):
        search = GridSearchCV(
            network.set_fit_request(groups=True), {"hidden_size": [2, 3]}, cv=GroupKFold(3)
        )
        search.fit(X, y, groups=GROUPS)
    assert len(seen) == 2 * 7
    assert not any(
        training & held_out for training, held_out in zip(seen[::2], seen[1::2], strict=True)
    )


def test_a_checkpoint_belongs_to_its_groups(tmp_path):
    asked = {"validation_split": GroupKFold(3), "checkpoint_dir": tmp_path}
    found = [
        regressor(**asked).fit(X, Y, groups=groups).history_["val_loss"]
        for groups in (GROUPS, list(GROUPS), GROUPS.astype(object), GROUPS[::-1])
    ]
    assert found[0] == found[1] == found[2]


KEPT = GroupShuffleSplit(1)
WRONG = [
    ({"validation_split": KEPT, "validation_fraction": 0.2}, {"groups": GROUPS}, "must be 0 with"),
    ({"validation_split": KEPT}, {}, "In `validation_split`: The 'groups' parameter"),
    ({"validation_split": KEPT}, {"groups": GROUPS[:9]}, "one group for each of 24 samples"),
    ({}, {"groups": GROUPS}, "`groups` needs a splitter"),
    ({"validation_split": "last"}, {"groups": GROUPS}, "`groups` needs a splitter"),
    ({"validation_split": PredefinedSplit([-1] * 24)}, {}, "must return two parts"),
    ({"validation_split": "first"}, {}, "'validation_split' parameter"),
    ({"validation_split": 5}, {}, "'validation_split' parameter"),
]


@pytest.mark.parametrize(("parameters", "arguments", "words"), WRONG, ids=[c[2] for c in WRONG])
def test_splits_that_cannot_be_are_refused(parameters, arguments, words):
    with pytest.raises(ValueError, match=words):
        regressor(**parameters).fit(X, Y, **arguments)


@pytest.mark.parametrize("split", ["last", KFold(3)], ids=["last", "splitter"])
def test_a_split_that_holds_out_all_of_a_class_is_refused(split):
    fraction = 1 / 3 if split == "last" else 0.0
    network = classifier(validation_split=split, validation_fraction=fraction)
    with pytest.raises(ValueError, match=r"got no sample of \[2\]"):
        network.fit(X, np.sort(labels(3)))


def test_a_split_of_nothing_warns_and_fit_batches_refuses_it():
    with pytest.warns(UserWarning, match="holds out nothing"):
        regressor(validation_split="last").fit(X, Y)
    with pytest.raises(ValueError, match="`validation_split` must be None in `fit_batches`"):
        regressor(validation_split=KFold(3)).fit_batches([(X, Y)])
