"""
4. Text
=======

Strings go in, labels come out. A recurrent network reads words in their order, which a bag of words
does not. You can watch its prediction change word by word.
"""

# %%
# A verdict that changes word by word
# -----------------------------------
# The data are remarks on meals and rooms, made below. Each remark praises or blames one to three
# things, and its label is the verdict on the last one. "not" reverses a word.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.pipeline import make_pipeline

from skrnn import RNNClassifier, SequenceVectorizer

rng = np.random.default_rng(0)
words = {
    "praise": ["good", "lovely", "fresh", "great", "clean"],
    "blame": ["bad", "awful", "stale", "poor", "dirty"],
}
opposite = {"praise": "blame", "blame": "praise"}


def opinion(verdict):
    negated = rng.random() < 0.4
    word = rng.choice(words[opposite[verdict] if negated else verdict])
    thing = rng.choice(["soup", "bread", "room", "view", "service", "wine"])
    return f"the {thing} was {'not ' if negated else ''}{word}"


def remark():
    verdicts = rng.choice(["praise", "blame"], size=rng.integers(1, 4))
    return " and ".join(opinion(verdict) for verdict in verdicts), verdicts[-1]


texts, labels = zip(*[remark() for _ in range(1200)], strict=True)
train, test = slice(600), slice(600, None)
print(texts[0], "->", labels[0])

# %%
# The network trains on half of the remarks. It then predicts the beginnings of a new remark, each
# one word longer than the last.
network = RNNClassifier(
    "gru", 16, vocab_size="auto", embedding_dim=8, mask_value=0, epochs=15, random_state=0
)
classifier = make_pipeline(SequenceVectorizer(), network).fit(texts[train], labels[train])

sentence = "the view was not bad and the wine was poor and the room was not dirty".split()
heard = [" ".join(sentence[: n + 1]) for n in range(len(sentence))]
praise = classifier.predict_proba(heard)[:, list(classifier.classes_).index("praise")]

figure, ax = plt.subplots(figsize=(8, 3), layout="constrained")
ax.plot(praise, "o--", color="#56B4E9", linewidth=1, label="in the middle of a thing")
ends = [4, 9, 15]
ax.plot(ends, praise[ends], "o", color="#D55E00", markersize=9, label="a thing is judged")
ax.axhline(0.5, color="grey", linewidth=0.8)
ax.set_xticks(range(len(sentence)), sentence, rotation=45)
ax.set(ylim=(-0.05, 1.3), yticks=[0, 0.5, 1], ylabel="Probability of praise")
ax.legend(frameon=False, loc="upper right", ncols=2)
figure.savefig("word_by_word.png", dpi=100)

# %%
# At the orange dots a remark could end, and there the network has learned to answer. Between them
# it was never asked, and its output is no more than its state on the way.
#
# The words that decide
# ---------------------
# Integrated gradients split a probability among the words: orange words add to praise, purple words
# take from it. In a notebook the display is the sentence itself, with its words in these colours.
from skrnn import IntegratedGradientsDisplay

IntegratedGradientsDisplay.from_estimator(classifier, [" ".join(sentence)], target="praise")

# %%
# The parts add up to the difference from the probability of a text of average words.
# `inspection.integrated_gradients` returns them as numbers; see `examples/plot_reasons.py`.
#
# Compared with a bag of words
# ----------------------------
# Always fit the simple model too. Counts of words, and of pairs of words, do not know which thing
# came last.
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

bag = make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression())
bag.fit(texts[train], labels[train])
print(f"pairs of words     {bag.score(texts[test], labels[test]):.3f}")
print(f"recurrent network  {classifier.score(texts[test], labels[test]):.3f}")

# %%
# Real texts are less obliging. Where single words give the answer, the bag of words is as good and
# much faster. `examples/plot_sentiment.py` has sentences that were written by hand.
#
# From words to ids
# -----------------
# The vectorizer gives each word a number, the most frequent word first. 0 is padding, added in
# front so that all rows have the same length. 1 is every word that the vectorizer does not know.
vectorizer = SequenceVectorizer(max_length=8).fit(texts[train])
for text in ("The wine was good!", "the gnocchi was not a bit stale"):
    print(f"{text:34}{vectorizer.transform([text])[0]}")

# %%
# Two habits come from scikit-learn's tokenizer. It makes all letters lower case, and it drops
# punctuation and words of one letter, such as "a" here. ``token_pattern=r"\w+|[^\w\s]"`` keeps
# punctuation and short words, and emoji too. `stop_words` and `min_df` leave out words, and
# `strip_accents` makes "café" equal to "cafe". A text longer than `max_length` loses its beginning
# (`truncating="pre"`). Look at the lengths of your texts before you choose it.
#
# Languages without spaces
# ------------------------
# Read Chinese and Japanese by characters: the network combines them into words.
places, quality = ["餐厅", "房间", "酒店", "早餐", "服务", "泳池"], [("很好", 1), ("不好", 0)]
chinese = [f"{place}{word}" for place in places for word, _ in quality]
liked = [label for _ in places for _, label in quality]
characters = make_pipeline(
    SequenceVectorizer(max_length=4, analyzer="char"),
    RNNClassifier("gru", 8, vocab_size="auto", embedding_dim=8, mask_value=0, random_state=0),
)
characters.fit(chinese[:-2], liked[:-2])
print(dict(zip(chinese[-2:], characters.predict(chinese[-2:]).tolist(), strict=True)))

# %%
# Skip the padding
# ----------------
# `mask_value=0` marks id 0 as padding, not a word. Without it, the network reads padding as text.
# With `padding="post"` the padding comes after the sentence, and the network has to remember the
# words through all of it.
for padding in ("pre", "post"):
    for mask_value in (0, None):
        other = make_pipeline(SequenceVectorizer(padding=padding), network)
        other.set_params(rnnclassifier__mask_value=mask_value)
        other.fit(texts[train], labels[train])
        score = other.score(texts[test], labels[test])
        print(f"padding={padding!r:7} mask_value={mask_value!s:5} accuracy {score:.3f}")

# %%
# Without any padding
# -------------------
# With `padding=None` the vectorizer returns lists of ids of different lengths, and the network
# takes them as they are. It pads them internally and always skips the padding. A text without a
# word, such as "?!", is a row of padding in the pipelines above and an error in this one. Lists are
# also the form for one label per word, with `return_sequences=True`: see
# `examples/plot_label_per_token.py`.
lists = make_pipeline(SequenceVectorizer(padding=None), network).fit(texts[train], labels[train])
print([len(ids) for ids in lists[:-1].transform(texts[:5])])
print(f"lists  {lists.score(texts[test], labels[test]):.3f}")

# %%
# Attention over the words
# ------------------------
# `network` takes any other layers as a function of Keras's inputs. Here the inputs are the embedded
# words and their mask. Each word gets a weight, and the output layer reads the weighted mean of the
# states.
from keras import layers, ops


def attention(inputs, mask=None, units=16):
    states = layers.GRU(units, return_sequences=True)(inputs, mask=mask)
    weights = layers.Softmax(axis=1)(layers.Dense(1)(states), mask=ops.expand_dims(mask, -1))
    return ops.sum(weights * states, axis=1)


attentive = RNNClassifier(
    network=attention, vocab_size="auto", embedding_dim=8, mask_value=0, epochs=15, random_state=0
)
attentive = make_pipeline(SequenceVectorizer(), attentive).fit(texts[train], labels[train])
print(f"attention  {attentive.score(texts[test], labels[test]):.3f}")

# %%
# Searching over vectorizers and networks
# ---------------------------------------
# The vectorizer is a step of the pipeline, so each fold learns its vocabulary from its own training
# part, and `vocab_size="auto"` follows it. Keep texts that belong together, such as remarks of one
# guest, in the same fold: use `GroupKFold`.
from sklearn.model_selection import GridSearchCV

from skrnn import SearchDisplay

grid = {
    "sequencevectorizer__max_length": [5, 10, 20],
    "rnnclassifier__cell_type": ["simple_rnn", "gru"],
}
search = GridSearchCV(classifier, grid, cv=3).fit(texts[train], labels[train])
display = SearchDisplay.from_search(search, over="max_length")
display.figure_.savefig("search_text.png", dpi=100)

# %%
# Five words hold all of "the room was not clean". With `truncating="pre"` they are the last five
# words, which are enough here because only the last thing counts. Longer rows only mislead the
# SimpleRNN. A search cannot know that it found a property of this little world. If you have few
# texts of your own, start from vectors that were learned on many: pass them as `embedding_init`,
# with row i for the word of id i.
