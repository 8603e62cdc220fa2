"""Metrics of identity verification, computed a second time: by scikit-learn, on the same embeddings, pairs and similarities.

The tests compare ours with the numbers that this wrote once. It is run by hand, never by the build:

    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install scikit-learn==1.9.1 numpy==2.4.6
    /tmp/golden/bin/python test/golden/verification_sklearn.py        # writes verification_sklearn.json beside it, for `make fix`

The JSON has embeddings [180, 8] of 50 identities, of which the last ten have one image each; 600 pairs in ten folds, each of 30 pairs of one identity and
30 of two, in which images and identities repeat; their similarities, rounded so that many are equal; and
  thresholds, accuracies   of each fold of a KFold without shuffling: the threshold of roc_curve with the best accuracy on nine folds, the highest of
                           several, and accuracy_score of the tenth
  tar                      the largest true positive rate of roc_curve at a false positive rate of at most 0.1 and 0.01
  retrieval                share of images whose nearest other image (NearestNeighbors, cosine) is of their identity; asked are those of
                           identities with several images, found are all
  whole                    all metrics of the embeddings, from their similarities as they are
"""

import json
import pathlib

import numpy as np
from sklearn.metrics import accuracy_score, roc_curve
from sklearn.model_selection import KFold
from sklearn.neighbors import NearestNeighbors

FOLDS = 10
IN_FOLD = 60


def drawn_embeddings(random):
    labels = np.concatenate([np.repeat(np.arange(30), 4), np.repeat(np.arange(30, 40), 5), np.arange(40, 50)])
    centres = random.normal(0, 1, (50, 8))
    embeddings = centres[labels] + random.normal(0, 0.9, (len(labels), 8))
    # Of any length: only directions count.
    return labels, np.round(embeddings * random.uniform(0.5, 4, (len(labels), 1)), 3)


def drawn_pairs(random, labels):
    pairs = []
    for _ in range(FOLDS):
        for same in (1, 0):
            wanted = []
            while len(wanted) < IN_FOLD // 2:
                a, b = random.choice(len(labels), 2, replace=False)
                if (labels[a] == labels[b]) == bool(same):
                    wanted.append((int(a), int(b), same))
            pairs += wanted
    return np.array(pairs)


def best_threshold(same, similarities):
    fpr, tpr, thresholds = roc_curve(same, similarities, drop_intermediate=False)
    positives = same.sum()
    right = tpr * positives + (1 - fpr) * (len(same) - positives)
    # Whole numbers, but for rounding: thresholds fall, and the first of several is the highest.
    return thresholds[np.argmax(np.round(right))]


def folds_of(same, similarities):
    thresholds, accuracies = [], []
    for learned, tested in KFold(FOLDS, shuffle=False).split(same):
        threshold = best_threshold(same[learned], similarities[learned])
        thresholds.append(float(threshold))
        accuracies.append(float(accuracy_score(same[tested], similarities[tested] >= threshold)))
    return thresholds, accuracies


def true_accept_rate(same, similarities, far):
    fpr, tpr, _ = roc_curve(same, similarities, drop_intermediate=False)
    return float(tpr[fpr <= far].max())


def retrieval(labels, embeddings):
    counts = np.bincount(labels)
    # The nearest is the image itself.
    nearest = NearestNeighbors(n_neighbors=2, metric='cosine').fit(embeddings).kneighbors(embeddings, return_distance=False)[:, 1]
    asked = counts[labels] > 1
    return float(accuracy_score(labels[asked], labels[nearest[asked]]))


def accuracy_of_folds(same, similarities):
    return float(np.mean(folds_of(same, similarities)[1]))


def main():
    random = np.random.default_rng(19)
    labels, embeddings = drawn_embeddings(random)
    pairs = drawn_pairs(random, labels)
    units = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    exact = (units[pairs[:, 0]] * units[pairs[:, 1]]).sum(1)
    similarities, same = np.round(exact, 2), pairs[:, 2]
    thresholds, accuracies = folds_of(same, similarities)
    golden = {
        'dimension': embeddings.shape[1],
        'labels': labels.tolist(),
        'embeddings': embeddings.ravel().tolist(),
        'pairs': {'left': pairs[:, 0].tolist(), 'right': pairs[:, 1].tolist(), 'same': same.tolist(), 'folds': FOLDS, 'inFold': IN_FOLD},
        'cosines': np.round(exact, 9).tolist(),
        'similarities': similarities.tolist(),
        'thresholds': thresholds,
        'accuracies': accuracies,
        'tar': {str(far): true_accept_rate(same, similarities, far) for far in (0.1, 0.01)},
        'retrieval': retrieval(labels, embeddings),
        'whole': {
            'accuracy': accuracy_of_folds(same, exact),
            'tar1e-1': true_accept_rate(same, exact, 0.1),
            'tar1e-2': true_accept_rate(same, exact, 0.01),
            'retrieval': retrieval(labels, embeddings),
        },
    }
    pathlib.Path(__file__).with_suffix('.json').write_text(json.dumps(golden, separators=(',', ':')) + '\n')


if __name__ == '__main__':
    main()
