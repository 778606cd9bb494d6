from core import errors


def test_codes_are_unique_and_follow_the_class_names() -> None:
    leaves = errors.leaves()
    codes = [leaf.code for leaf in leaves]
    assert len(set(codes)) == len(codes)
    assert errors.NotAZipError.code == "not_a_zip"
    assert errors.NumpyVersionError.code == "numpy_version"


def test_the_docstring_is_the_default_message() -> None:
    for leaf in errors.leaves():
        assert str(leaf()) == leaf.__doc__
    assert str(errors.NotAZipError("expected a zip, got a PNG")) == "expected a zip, got a PNG"


def test_the_module_names_every_leaf() -> None:
    assert errors.__doc__ is not None
    for leaf in errors.leaves():
        assert leaf.__name__ in errors.__doc__


def test_only_trouble_of_ours_is_worth_repeating() -> None:
    for leaf in errors.leaves():
        if leaf.retryable:
            assert issubclass(leaf, errors.ServiceError)
    assert not errors.LeaseLostError.retryable
