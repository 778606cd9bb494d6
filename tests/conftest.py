"""The real services that integration tests run against, each a plugin."""

pytest_plugins = [
    "tests.services.postgres",
    "tests.services.nats",
    "tests.services.triton",
    "tests.services.api",
    "tests.services.orchestrator",
]
