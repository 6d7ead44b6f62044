"""The OpenAPI document says what the server does."""

import re
from typing import Any

from callserver.adapters.http.openapi import OPERATIONS, document
from callserver.adapters.http.problems import STATUS
from tests.adapters.http.bed import Bed


async def test_the_document_has_exactly_the_routes_of_the_server(bed: Bed) -> None:
    """Each documented operation answers, and each route is documented."""
    shown = (await bed.ask("/openapi.json", None)).json
    assert shown["openapi"] == "3.1.0"
    documented = {(path, method) for path, methods in shown["paths"].items() for method in methods}
    application = bed.server._application()
    served = {
        (route.resource.canonical, route.method.lower())
        for route in application.router.routes()
        if route.resource is not None and route.method != "HEAD"
    }
    assert documented == served


def test_every_reference_leads_somewhere() -> None:
    """And nothing is defined in vain."""
    shown = document()
    names = set(re.findall(r"#/components/schemas/(\w+)", str(shown)))
    assert names == set(shown["components"]["schemas"])


def test_operations_have_names_parameters_and_only_known_errors() -> None:
    """Path parameters are declared, ids are unique, statuses are those of our problems."""
    shown = document()
    ids = [operation["operationId"] for operation in _operations(shown)]
    assert len(set(ids)) == len(ids)
    for operation in OPERATIONS:
        in_path = set(re.findall(r"{(\w+)}", operation.path))
        assert in_path <= {parameter.name for parameter in operation.parameters}
        assert set(operation.errors) <= {int(status) for status in STATUS.values()}
    public = [o for o in _operations(shown) if o.get("security") == []]
    assert len(public) == 4


def _operations(shown: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for path in shown["paths"].values() for operation in path.values()]
