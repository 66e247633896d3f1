import numpy as np
import pytest
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from latentlens.samplers import MaxMarginSampler
from latentlens.samplers.ratio import NEVER_SEEN

METHODS = ["coupling", "multinomial"]


def test_the_multinomial_ratio_is_that_of_logistic_regressions_probabilities(blobs):
    latent, label, pred = blobs()
    points = StandardScaler().fit_transform(latent)
    probability = LogisticRegression(max_iter=1000).fit(points, label).predict_proba(points)
    own = probability[np.arange(len(label)), pred]
    fitted = MaxMarginSampler(method="multinomial").fit(latent, label, pred)
    assert fitted.log_ratio_ == pytest.approx(np.log(own / (1 - own)), abs=0.02)


@pytest.mark.parametrize("method", METHODS)
def test_two_classes_have_their_boundary_at_zero(method):
    x = np.linspace(-2, 2, 41)[:, None]
    label = (x[:, 0] > 0).astype(int)
    fitted = MaxMarginSampler(method=method, group_by="classifier").fit(x, label)
    assert fitted.log_ratio_.min() == pytest.approx(0, abs=0.5)
    nearest = np.argsort(fitted.log_ratio_)[:4]
    assert np.abs(x[nearest]).max() < 0.25


@pytest.mark.parametrize("method", METHODS)
def test_misclassified_items_come_first(method, blobs):
    latent, label, _ = blobs(n=300)
    rng = np.random.default_rng(1)
    pred = label.copy()
    wrong = rng.choice(300, 12, replace=False)
    pred[wrong] = (label[wrong] + 1) % 3
    sample = MaxMarginSampler(method=method, j=1.0).fit(latent, label, pred).sample(0.1)
    assert len(set(wrong) & set(sample.index)) >= 10


@pytest.mark.parametrize("method", METHODS)
def test_both_methods_see_the_classes_alike(method, blobs):
    latent, label, pred = blobs(n=400)
    fitted = MaxMarginSampler(method=method, group_by="classifier").fit(latent, label, pred)
    assert (fitted.ranking_.group == label).mean() > 0.9


def test_the_methods_agree_on_most_of_the_sample(blobs):
    samples = [MaxMarginSampler(method=m).fit(*blobs(n=400)).sample(0.1).index for m in METHODS]
    assert len(set(samples[0]) & set(samples[1])) >= 28


def test_items_are_grouped_by_prediction_where_there_is_one(blobs):
    latent, label, pred = blobs()
    assert MaxMarginSampler().fit(latent, label, pred).ranking_.group.tolist() == pred.tolist()


@pytest.mark.parametrize("pred", [None, np.full(120, -1)])
def test_items_are_grouped_by_the_classifier_where_there_is_no_prediction(pred, blobs):
    latent, label, _ = blobs()
    auto = MaxMarginSampler().fit(latent, label, pred)
    named = MaxMarginSampler(group_by="classifier").fit(latent, label)
    assert auto.ranking_.group.tolist() == named.ranking_.group.tolist()


def test_the_classifiers_own_class_never_has_the_smallest_weight(blobs):
    latent, label, pred = blobs()
    fitted = MaxMarginSampler(group_by="classifier", method="multinomial").fit(latent, label, pred)
    # The likeliest of three classes has at least a third, so a ratio of at least 1 to 2.
    assert fitted.log_ratio_.min() >= -np.log(2) - 1e-9


def test_grouping_by_true_class_puts_items_without_one_by_the_classifier(blobs):
    latent, label, _ = blobs()
    label[:5] = -1
    group = MaxMarginSampler(group_by="true").fit(latent, label).ranking_.group
    named = MaxMarginSampler(group_by="classifier").fit(latent, label).ranking_.group
    assert group[5:].tolist() == label[5:].tolist()
    assert group[:5].tolist() == named[:5].tolist()


def test_grouping_by_prediction_needs_predictions(blobs):
    latent, label, _ = blobs()
    with pytest.raises(ValueError, match=r'group_by="predicted" needs pred; pass it to fit'):
        MaxMarginSampler(group_by="predicted").fit(latent, label)


def test_items_without_a_label_do_not_move_the_boundary(blobs):
    latent, label, _ = blobs()
    known = np.arange(120) % 4 > 0
    label[~known] = -1
    everything = MaxMarginSampler(method="multinomial").fit(latent, label)
    pulled = latent.copy()
    pulled[~known] = pulled[~known][::-1]
    moved = MaxMarginSampler(method="multinomial").fit(pulled, label)
    assert moved.log_ratio_[known] == pytest.approx(everything.log_ratio_[known], abs=1e-9)


def test_a_predicted_class_that_no_label_has_is_a_group_of_its_own(blobs):
    latent, label, pred = blobs()
    pred[:4] = 6
    fitted = MaxMarginSampler().fit(latent, label, pred)
    assert fitted.ranking_.group_size.tolist()[3:] == [0, 0, 0, 4]
    assert fitted.log_ratio_[:4].tolist() == [NEVER_SEEN] * 4
    assert len(fitted.sample(0.5)) == 60


@pytest.mark.parametrize("method", METHODS)
def test_a_class_of_one_item_is_no_obstacle(method, blobs):
    latent, label, _ = blobs()
    label[0] = 3
    fitted = MaxMarginSampler(method=method).fit(latent, label)
    assert np.isfinite(fitted.log_ratio_).all()


def test_the_multinomial_fit_takes_over_where_coupling_would_be_slow(blobs):
    assert MaxMarginSampler().fit(*blobs()).method_ == "coupling"
    assert MaxMarginSampler().fit(*blobs(n_classes=24)).method_ == "multinomial"
    assert MaxMarginSampler().fit(*blobs(n=30_000, d=120)).method_ == "multinomial"


@pytest.mark.parametrize("argument", ["group_by", "method"])
def test_an_unknown_choice_is_refused_by_fit(argument, blobs):
    with pytest.raises(ValueError, match=rf"{argument} must be one of 'auto', .* got 'svm'"):
        MaxMarginSampler(**{argument: "svm"}).fit(*blobs())


def test_neither_labels_nor_predictions_are_refused(blobs):
    latent, label, _ = blobs()
    with pytest.raises(ValueError, match=r"labels of at least 2 classes .* got 0"):
        MaxMarginSampler().fit(latent, np.full_like(label, -1))


def test_a_fit_that_does_not_converge_says_so_without_a_warning(blobs, monkeypatch):
    from latentlens.samplers import max_margin

    monkeypatch.setattr(max_margin, "MOST_STEPS", 1)
    fitted = MaxMarginSampler(method="multinomial").fit(*blobs())
    assert "still moving after 1 steps" in fitted.notes_[0]


def test_the_ratio_of_two_classes_is_that_of_the_softmax():
    scores = np.array([[0.0, 3.0]])
    p = softmax(scores, axis=1)[0]
    from latentlens.samplers.ratio import log_ratio

    assert log_ratio(scores, np.array([1]))[0] == pytest.approx(np.log(p[1] / p[0]))


def test_without_any_label_the_boundary_is_that_between_predictions(blobs):
    latent, label, pred = blobs()
    unlabelled = MaxMarginSampler().fit(latent, np.full_like(label, -1), pred)
    as_labels = MaxMarginSampler().fit(latent, pred, pred)
    np.testing.assert_array_equal(unlabelled.order_, as_labels.order_)
    assert "no item has a label" in unlabelled.notes_[0].lower()
    assert as_labels.notes_ == []
