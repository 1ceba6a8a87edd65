"""Check of saving and loading, for models that offer it."""

from __future__ import annotations

from .subject import Subject, same


def check_save_and_load(subject: Subject) -> str | None:
    """A fresh instance that loads what was saved predicts the same, to the last bit."""
    offered = [hasattr(subject.fitted, name) for name in ("save", "load")]
    if not any(offered):
        return None
    if not all(offered):
        return "the model has only one of `save` and `load`: define both, or neither"
    folder = subject.folder / "saved"
    subject.fitted.save(folder)
    if not folder.is_dir():
        return "`save(folder)` did not make the folder: make it and write into it alone"
    loaded = subject.make()
    loaded.load(folder)
    answer = subject.predict(loaded, [subject.structure])[0]
    if same(subject.reference, answer):
        return None
    return (
        "a fresh instance that loaded what was saved predicts differently: save every array and "
        "setting on which predictions depend"
    )
