from ...published import make_botan, shared_data  # noqa: F401
