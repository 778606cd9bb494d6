"""What handlers ask for by name. Made once, by `create_app`."""

from typing import Annotated

from litestar.params import Dependency

from api.health.service import Readiness
from api.jobs.service import Jobs
from api.results.service import Results
from api.uploads.service import Uploads

JobsDep = Annotated[Jobs, Dependency(skip_validation=True)]
UploadsDep = Annotated[Uploads, Dependency(skip_validation=True)]
ResultsDep = Annotated[Results, Dependency(skip_validation=True)]
ReadinessDep = Annotated[Readiness, Dependency(skip_validation=True)]
