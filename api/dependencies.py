"""What handlers ask for by name. Made once, by `create_app`."""

from litestar.di import NamedDependency
from litestar.params import SkipValidation

from api.health.service import Readiness
from api.jobs.service import Jobs
from api.results.service import Results
from api.uploads.service import Uploads

JobsDep = NamedDependency[SkipValidation[Jobs]]
UploadsDep = NamedDependency[SkipValidation[Uploads]]
ResultsDep = NamedDependency[SkipValidation[Results]]
ReadinessDep = NamedDependency[SkipValidation[Readiness]]
