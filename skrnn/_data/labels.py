"""Labels: checks, encoding, class weights and stratified splits."""

import warnings
from numbers import Real

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split
from sklearn.utils import check_array, column_or_1d
from sklearn.utils.class_weight import compute_class_weight

from skrnn._data.targets import ONE_TARGET, Targets
from skrnn._data.timestep_targets import (
    as_one,
    check_samples_match,
    cut_to_list,
    objects_as_list,
    rows_of_steps,
)
from skrnn._network.config import read_loss
from skrnn._network.keras_names import (
    ONE_HOT_LOSSES,
    SIGMOID_LOSSES,
    SOFTMAX_LOSSES,
    SPARSE_LOSSES,
)
from skrnn._utils.numeric_checks import as_array

SEVERAL_LABELS = "For several labels a sample pass rows of 0 and 1, as from `MultiLabelBinarizer`."
ONE_HOT_STEPS = " For one-hot labels pass `y.argmax(axis=-1)`."


def labels_of_steps(y, sequences):
    """Return the labels of the valid timesteps of all samples as one 1-D array.

    `y` is an array (n_samples, timesteps), or for a list of sequences a list of 1-D arrays.
    """
    mask = sequences.mask()
    if sequences.lengths is None:
        check_samples_match(y, sequences)
        y = _as_one(cut_to_list(objects_as_list(y), sequences), sequences)
        if y.shape != mask.shape:
            remedy = ONE_HOT_STEPS if y.ndim == 3 else ""
            raise ValueError(
                "`y` must have the shape (n_samples, timesteps) with `return_sequences`, "
                f"{mask.shape} like X, got {y.shape}.{remedy}"
            )
        labels = y[mask]
    else:
        rows = rows_of_steps(y, sequences)
        for i, row in enumerate(rows):
            if row.ndim != 1:
                raise ValueError(
                    f"`y` must hold one label for each timestep, got an array of shape {row.shape} "
                    f"in sample {i}.{ONE_HOT_STEPS}"
                )
        inside = np.arange(sequences.timesteps) < sequences.lengths[:, np.newaxis]
        labels = np.concatenate(rows, dtype=_common_type(rows))[mask[inside]]
    return read_labels(labels, mask)


def _as_one(y, sequences):
    """Return the labels of sequences of one length as one array."""
    if not isinstance(y, (list, tuple)):
        return as_one(y, sequences)
    rows = [as_array(row, f"Sample {i} of `y`") for i, row in enumerate(y)]
    kind = _common_type(rows)
    return as_one(y, sequences) if kind is None else np.array(rows, dtype=kind)


def _common_type(rows):
    """Return object if only some rows are text, because NumPy would convert numbers to text.

    As objects the numbers stay numbers, and are refused. The same holds for bytes.
    """
    texts = {row.dtype.kind if row.dtype.kind in "SU" else None for row in rows}
    return object if len(texts) > 1 else None


def read_labels(y, mask=None):
    """Return labels as an array without NaN, of one sortable type.

    For labels of timesteps, `mask` (n_samples, timesteps) says which timesteps have one. Messages
    use it to name the place.
    """
    if y is None:
        raise ValueError("`y` must hold labels, got None. Pass the labels.")
    is_nan = pd.isna(as_array(y, "`y`", f"{ONE_TARGET} {SEVERAL_LABELS}"))
    if is_nan.any():
        number = np.argwhere(is_nan)[0][0]
        place = f"as label {number}"
        if mask is not None:
            place = "in sample {}, timestep {}".format(*np.argwhere(mask)[number])
        raise ValueError(
            f"Input y contains NaN or None: `y` must have a label everywhere, got none {place}. "
            "Drop the sample, or fill in the label."
        )
    labels = check_array(y, ensure_2d=False, dtype=None, input_name="y")
    try:
        np.unique(labels)
    except TypeError as error:
        kinds = ", ".join(sorted({type(label).__name__ for label in labels.ravel()}))
        raise TypeError(
            f"`y` must hold labels of one type, got {kinds}. Convert them, to str for example."
        ) from error
    return labels


def check_two_classes(classes, argument):
    """Refuse a single class; the message names the argument."""
    if len(classes) < 2:
        raise ValueError(
            f"`{argument}` must hold at least two classes, got one class: {classes.tolist()}. Add "
            "samples or labels of another class."
        )


def encode(labels, classes, mask, counted):
    """Return the index of each label's class in the sorted `classes`; zero if there is no label.

    `mask` says where there is a label. `counted` says where it has weight, so that its class must
    be known. Both have the shape (n_samples,) or (n_samples, timesteps).
    """
    check_two_classes(classes, "y")
    unknown = np.setdiff1d(labels[counted[mask]], classes)
    if len(unknown):
        raise ValueError(
            f"`y` must hold classes of the network, {classes.tolist()}, got {unknown.tolist()} "
            "too. Drop these samples, or fit a new estimator."
        )
    codes = np.zeros(mask.shape, dtype=np.intp)
    codes[mask] = np.searchsorted(classes, labels).clip(max=len(classes) - 1)
    return codes


def targets_of_classes(codes, n_classes, loss):
    """Return Targets of one class per sample: one sigmoid for two classes, a softmax for more."""
    values = codes[..., np.newaxis]
    if n_classes == 2:
        loss = _fitting_loss(loss, "binary_crossentropy", SIGMOID_LOSSES, "two classes")
        return Targets(values, (1,), "sigmoid", loss, codes=codes)
    default = "sparse_categorical_crossentropy"
    loss = _fitting_loss(loss, default, SOFTMAX_LOSSES, "several classes")
    if loss not in SPARSE_LOSSES:
        values = np.eye(n_classes)[codes]
    return Targets(values, (n_classes,), "softmax", loss, codes=codes)


def is_one_hot(y):
    """Whether each row of an indicator matrix holds exactly one 1."""
    return bool((y.sum(axis=1) == 1).all())


def warn_of_one_hot(y, loss):
    """Warn that one-hot labels are read as multilabel, unless the loss selects that reading."""
    if is_one_hot(y) and read_loss(loss)[0] not in SIGMOID_LOSSES - SOFTMAX_LOSSES:
        warnings.warn(
            "`y` holds exactly one 1 in each row, like one-hot labels, and is read as multilabel: "
            "a sigmoid for each column. For one class per sample pass `y.argmax(axis=1)`, or set "
            "`loss='categorical_crossentropy'`. If it is multilabel, set "
            "`loss='binary_crossentropy'` to silence this warning.",
            UserWarning,
            stacklevel=2,
        )


def targets_of_indicators(y, loss):
    """Return Targets of an indicator matrix, which has a column for each class.

    Rows may have any number of classes, with a sigmoid for each column. With a loss for one-hot
    labels, each row must have one class, with a softmax.
    """
    outputs, one_hot, name = (y.shape[1],), is_one_hot(y), read_loss(loss)[0]
    if name in ONE_HOT_LOSSES:
        if not one_hot:
            raise ValueError(
                f"`y` must hold exactly one 1 in each row with `loss={loss!r}`, got "
                f"{y[(y.sum(axis=1) != 1).argmax()].tolist()}. For multilabel targets set "
                "`loss='binary_crossentropy'`."
            )
        return Targets(y, outputs, "softmax", name, shape=outputs, codes=y.argmax(axis=1))
    allowed = SIGMOID_LOSSES | (ONE_HOT_LOSSES if one_hot else set())
    loss = _fitting_loss(loss, "binary_crossentropy", allowed, "multilabel targets")
    return Targets(y, outputs, "sigmoid", loss)


def one_against_rest(logits):
    """Return log(p / (1 - p)) of the softmax probabilities p of logits (..., n_classes)."""
    likeliest = logits.argmax(axis=-1, keepdims=True)
    best = np.take_along_axis(logits, likeliest, axis=-1)
    others = logits.copy()
    np.put_along_axis(others, likeliest, -np.inf, axis=-1)
    rest = np.logaddexp.reduce(others, axis=-1, keepdims=True)
    log_shares = others - np.logaddexp(best, rest)
    # All except the largest are at most one half, so 1 - p loses no digits.
    scores = log_shares - np.log1p(-np.exp(log_shares))
    np.put_along_axis(scores, likeliest, best - rest, axis=-1)
    return scores


def classes_of_outputs(classes, architecture):
    """Return the labels of a network's outputs: `classes`, or for None 0, 1, 2 and so on.

    They are in the order of the outputs; for one sigmoid they are the labels of 0 and 1.
    """
    (n_outputs,) = architecture.outputs
    multilabel = architecture.output_activation == "sigmoid" and n_outputs > 1
    n_classes = 2 if architecture.output_activation == "sigmoid" and n_outputs == 1 else n_outputs
    if n_classes < 2:
        raise ValueError(
            "`model` must have at least two classes, got a softmax of one unit. Use a sigmoid for "
            "two classes."
        )
    if multilabel and architecture.return_sequences:
        raise ValueError(
            f"`model` must have one label at each timestep, got {n_outputs} sigmoids. Use a "
            "softmax."
        )
    if classes is None:
        return np.arange(n_classes)
    if multilabel:
        raise ValueError(
            f"`classes` must be None for {n_outputs} sigmoids, because y is an indicator matrix, "
            f"got {classes!r}. Leave it out."
        )
    classes = column_or_1d(read_labels(classes))
    if len(classes) != n_classes or len(np.unique(classes)) != n_classes:
        raise ValueError(
            f"`classes` must hold {n_classes} different labels, one for each output of `model` in "
            f"order, got {classes.tolist()}."
        )
    return classes


def check_all_classes(classes, codes):
    """Refuse to continue a fit if one of its classes is missing."""
    found = classes[np.unique(codes)]
    if len(found) < len(classes):
        raise ValueError(
            f"`y` must hold every class of the fitted network, {classes.tolist()}, got "
            f"{found.tolist()}. Set `warm_start=False` to train from scratch, or call "
            "`partial_fit`, which does not need every class."
        )


def check_trained_classes(classes, codes, training):
    """Refuse to train if all samples of a class are held out."""
    missing = classes[np.setdiff1d(codes, training)].tolist()
    if missing:
        raise ValueError(
            f"`validation_split` must leave samples of each class to train on, got no sample of "
            f"{missing}. Use 'stratified', or shuffle the samples."
        )


def joined_classes(classes, found):
    """Return the union of two sorted arrays of labels, or refuse to mix numbers and text."""
    kinds = {labels.dtype.kind in "OSU" for labels in (classes, found) if len(labels)}
    if len(kinds) > 1:
        raise TypeError(
            f"`y` must hold labels of one type in all blocks, got {classes.tolist()} and "
            f"{found.tolist()}. Convert them, to str for example."
        )
    return np.union1d(classes, found)


def weights_of_classes(class_weight, classes, codes):
    """Return the weight of each class; a class that is not in a dict has weight 1.

    "balanced" counts the training labels `codes`; a class without samples has weight 1.
    """
    values = class_weight.values() if isinstance(class_weight, dict) else ()
    real = all(isinstance(value, Real) and 0 <= value < np.inf for value in values)
    if not real or (len(values) > 0 and not any(values)):
        raise ValueError(
            "`class_weight` must hold numbers of at least 0, and at least one above 0, got "
            f"{class_weight!r}."
        )
    unknown = set(class_weight) - set(classes.tolist()) if isinstance(class_weight, dict) else ()
    if unknown:
        raise ValueError(
            f"`class_weight` must name classes among {classes.tolist()}, got {[*unknown]} too. "
            "Leave these out."
        )
    found = np.unique(codes)
    if class_weight == "balanced":
        weights = np.ones(len(classes))
        weights[found] = compute_class_weight("balanced", classes=found, y=codes)
        return weights
    weights = compute_class_weight(class_weight, classes=classes, y=classes[codes])
    if not weights[found].any():
        raise ValueError(
            "`class_weight` must be above 0 for at least one class of the training samples, got "
            f"{class_weight!r}."
        )
    return weights


def hold_out(chosen, codes, classes, n_held_out, rng, *, strict=True):
    """Return training and validation positions drawn from `chosen`, each sorted.

    They are stratified if `codes` holds one label for each sample; ValueError if classes are too
    small for that. If not `strict`, one sample of each class of `codes` stays in training, and the
    draw is plain if classes are too small.
    """
    labels = codes[chosen] if codes is not None and codes.ndim == 1 else None
    if labels is not None:
        counts = np.bincount(labels, minlength=len(classes))
        n_classes = (counts > 0).sum()
        too_few = min(n_held_out, len(chosen) - n_held_out) < n_classes
        if not strict and (too_few or (counts == 1).any()):
            return _draw_spare(chosen, codes, n_held_out, rng)
        if (counts == 1).any():
            rare = classes[counts == 1].tolist()
            raise ValueError(
                f"`validation_fraction` needs two samples of each class, got one of {rare}. Add "
                "samples, or set `validation_split='last'`."
            )
        if too_few:
            raise ValueError(
                f"`validation_fraction` must leave a sample of each of the {n_classes} classes in "
                f"both parts, got {n_held_out} of {len(chosen)} samples held out. Change it, or "
                "add samples."
            )
    training, held_out = train_test_split(
        chosen, test_size=n_held_out, stratify=labels, random_state=int(rng().integers(2**31))
    )
    if not strict and codes is not None and np.setdiff1d(codes[held_out], codes[training]).size:
        return _draw_spare(chosen, codes, n_held_out, rng)
    return np.sort(training), np.sort(held_out)


def _draw_spare(chosen, codes, n_held_out, rng):
    """Draw plainly, for `hold_out`, from the samples that are not the first of a class."""
    order = rng().permutation(len(chosen))
    firsts = np.unique(codes[chosen][order], return_index=True)[1] // codes[0].size
    held_out = np.sort(np.delete(order, firsts)[:n_held_out])
    return np.delete(chosen, held_out), chosen[held_out]


def _fitting_loss(loss, default, allowed, target):
    """Return the full name of a loss, or refuse one that does not fit the output layer."""
    name, _ = read_loss(default if loss == "auto" else loss)
    if name not in allowed:
        raise ValueError(
            f"`loss` for {target} must be among {', '.join(sorted(allowed))}, got {loss!r}. Use "
            "'auto', or one of these."
        )
    return name
