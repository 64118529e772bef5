"""
Text with numbers: one classifier on a sentence and a row of columns
====================================================================

Does a shop answer a review? That depends on the words, on the stars and on the price. A
`ColumnTransformer` turns the text into token ids and passes the numbers through. `static_features`
names the columns that are not words. The network reads the ids one after another, and joins the
numbers to its last state.
"""

# %%
# Reviews
# -------
# A shop answers customers who ask for something, if the order was expensive or the stars are few.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from skrnn import RNNClassifier, SequenceVectorizer

rng = np.random.default_rng(0)
N = 800
things, opinions = ["lamp", "chair", "table", "sofa"], ["arrived", "broke", "shines", "wobbles"]
questions = ["can you help", "please call me", "where is my refund"]
remarks = ["you can help me no more", "I call it fine", "my refund is here"]
asks = rng.random(N) < 0.5
texts = [
    f"the {rng.choice(things)} {rng.choice(opinions)} {rng.choice(questions if ask else remarks)}"
    for ask in asks
]
reviews = pd.DataFrame(
    {"text": texts, "stars": rng.integers(1, 6, N), "price": rng.lognormal(4, 1, N).round(2)}
)
answered = asks & ((reviews["price"] > 60) | (reviews["stars"] <= 2))
train, test, y_train, y_test = train_test_split(reviews, answered, random_state=0)

# %%
# The pipeline
# ------------
# The columns of numbers come last, as `remainder` appends them, so their positions are -2 and -1.
# If you call `set_output(transform="pandas")` on the transformer, you can pass their names instead,
# "remainder__stars" and "remainder__price". The numbers are standardized inside the network.


def pipeline(columns, static_features):
    transformer = make_column_transformer(
        (SequenceVectorizer(max_length=10), "text"), ("passthrough", columns)
    )
    network = RNNClassifier(
        "gru",
        16,
        vocab_size="auto",
        embedding_dim=16,
        mask_value=0,
        static_features=static_features,
        dense_sizes=16,
        epochs=30,
        random_state=0,
    )
    return make_pipeline(transformer, network)


both = pipeline(["stars", "price"], [-2, -1]).fit(train, y_train)
print(both[-1].summary())

# %%
# The value of each part
# ----------------------
scores = {
    "text": pipeline([], ()).fit(train, y_train).score(test, y_test),
    "text and stars": pipeline(["stars"], [-1]).fit(train, y_train).score(test, y_test),
    "text, stars and price": both.score(test, y_test),
}
print(pd.Series(scores).round(3))
figure, ax = plt.subplots(figsize=(7, 2.5), layout="constrained")
bars = ax.barh(list(scores), list(scores.values()))
ax.bar_label(bars, fmt="%.2f", padding=3)
ax.invert_yaxis()
ax.set_xlim(0.5, 1.05)
ax.set_xlabel("Accuracy on new reviews")
figure.savefig("text_and_numbers.png", dpi=120)

# %%
# A number that changes with time, such as a price for each day, is not a static feature. Pass it to
# the network as a feature of each timestep.
