"""Marey's own processes with short leases: `python -m tests.faults.role api|orchestrator|worker`."""

import os
import sys
from dataclasses import replace

from api.service import run_api
from api.settings import ApiSettings
from deploy.logs import configure_logging
from orchestrator.service import run_orchestrator, run_worker
from orchestrator.settings import Settings
from tests.services.orchestrator import QUICK


def main(role: str) -> None:
    """Run one process, configured by the environment."""
    configure_logging()
    settings = replace(Settings.from_environment(os.environ), lease=QUICK)
    if role == "api":
        run_api(ApiSettings.from_environment(os.environ))
    elif role == "orchestrator":
        run_orchestrator(settings)
    else:
        run_worker(settings)


if __name__ == "__main__":
    main(sys.argv[1])
