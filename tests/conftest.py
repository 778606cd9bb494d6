"""What all tests share: Hypothesis without deadlines (machines are shared), the real services as plugins."""

import hypothesis

hypothesis.settings.register_profile("marey", deadline=None)
hypothesis.settings.load_profile("marey")

pytest_plugins = [
    "tests.services.gpu",
    "tests.services.postgres",
    "tests.services.nats",
    "tests.services.s3",
    "tests.services.triton",
    "tests.services.api",
    "tests.services.victim",
    "tests.services.orchestrator",
]
