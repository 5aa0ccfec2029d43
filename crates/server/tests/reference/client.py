"""Makes every call that taxii2-client has to a node, and says `done` where each does what it should.

The arguments are the address of discovery, a user, and a file for the bundle that was pulled.
"""

import json
import sys

import requests
from taxii2client.exceptions import AccessError
from taxii2client.v21 import ApiRoot, Collection, Server, Status, as_pages

URL, USER, PULLED = sys.argv[1:4]


def refused(call, code):
    try:
        call()
    except requests.exceptions.HTTPError as error:
        assert error.response.status_code == code, error
        assert error.response.json()["http_status"] == str(code)
    else:
        raise AssertionError("was not refused")


def indicator(number, hour):
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": f"indicator--00000000-0000-4000-8000-{number:012}",
        "created": "2026-02-01T00:00:00.000Z",
        "modified": f"2026-02-01T{hour:02}:00:00.000Z",
        "name": f"Client {number}",
        "pattern": f"[domain-name:value = 'client{number}.example']",
        "pattern_type": "stix",
        "valid_from": "2026-02-01T00:00:00Z",
        "indicator_types": ["malicious-activity"],
    }


server = Server(URL, user=USER, password="x")
assert server.title and server.contact, server.title
root = server.default
assert isinstance(root, ApiRoot) and len(server.api_roots) == 1
assert root.url == server.api_roots[0].url == URL + "api/", root.url
assert root.versions == ["application/taxii+json;version=2.1"]
assert isinstance(root.max_content_length, int)
by_alias = {collection.alias: collection for collection in root.collections}
basket, inbox, outbox = by_alias["basket"], by_alias["inbox"], by_alias["outbox"]
assert "secret" not in by_alias
assert (basket.can_read, basket.can_write) == (True, True)
assert (inbox.can_read, inbox.can_write) == (False, True)
assert (outbox.can_read, outbox.can_write) == (True, False)
again = Collection(basket.url, user=USER, password="x")
assert (again.id, again.title) == (basket.id, basket.title)
assert again.media_types == basket.media_types

# Nothing is there yet.
assert basket.get_objects() == {} and basket.get_manifest() == {}
refused(lambda: basket.get_object(indicator(1, 1)["id"]), 404)

# Adding, at once and with waiting.
objects = [indicator(number, 1) for number in range(25)]
status = basket.add_objects({"objects": objects}, wait_for_completion=True)
assert status.status == "complete" and status.success_count == 25 and not status.failures
assert len(status.successes) == 25 and status.pending_count == 0
status = basket.add_objects(json.dumps({"objects": [indicator(1, 2), {"type": "x"}]}), wait_for_completion=False)
assert (status.total_count, status.success_count, status.failure_count) == (2, 1, 1)
assert status.failures[0]["message"] and status.failures[0]["version"]
same = root.get_status(status.id)
assert same.failures == status.failures and same.request_timestamp == status.request_timestamp
status.refresh()
assert bool(status) and Status(status.url, user=USER, password="x").id == status.id
assert inbox.add_objects(json.dumps({"objects": objects}).encode()).success_count == 25
for call in (lambda: inbox.get_objects(), lambda: outbox.add_objects({"objects": []})):
    try:
        call()
    except AccessError:
        continue
    raise AssertionError("the client does not see the rights")

# Reading, page by page, and by filter.
pages = list(as_pages(basket.get_objects, per_request=10))
assert [len(page["objects"]) for page in pages] == [10, 10, 5], pages
found = [o["id"] for page in pages for o in page["objects"]]
assert len(set(found)) == 25
manifest = [row for page in as_pages(basket.get_manifest, per_request=7) for row in page["objects"]]
assert [row["id"] for row in manifest] == found
pages = as_pages(basket.get_objects, per_request=4, type="indicator", version=["all", "last"])
assert sum(len(page["objects"]) for page in pages) == 26
after = manifest[9]["date_added"]
assert len(basket.get_objects(added_after=after)["objects"]) == 15
assert basket.get_objects(id=[found[0], found[3]])["objects"][1]["id"] == found[3]
assert basket.get_objects(type=["malware", "tool"]) == {}
assert len(basket.get_objects(spec_version="2.1", limit=3)["objects"]) == 3
one = indicator(1, 1)["id"]
assert basket.get_object(one)["objects"] == [indicator(1, 2)]
assert basket.get_object(one, version="first")["objects"] == [indicator(1, 1)]
assert len(basket.get_object(one, version="all")["objects"]) == 2
versions = basket.object_versions(one)["versions"]
assert versions == [indicator(1, 1)["modified"], indicator(1, 2)["modified"]], versions
refused(lambda: basket.get_objects(limit=-1), 400)
refused(lambda: root.get_status("5a3e0b1c-0f2d-4c7a-8a3e-4b1f7f1d2c3b"), 404)

# Removing.
basket.delete_object(one, version="last")
assert basket.get_object(one)["objects"] == [indicator(1, 1)]
basket.delete_object(one)
refused(lambda: basket.get_object(one), 404)
refused(lambda: basket.delete_object(one), 404)

# All that somebody else put in, as a bundle.
pulled = [o for page in as_pages(outbox.get_objects, per_request=1000) for o in page.get("objects", [])]
with open(PULLED, "w", encoding="utf-8") as file:
    json.dump({"type": "bundle", "id": "bundle--5a3e0b1c-0f2d-4c7a-8a3e-4b1f7f1d2c3b", "objects": pulled}, file)
anybody = Server(URL)
assert anybody.title
refused(lambda: anybody.default.collections, 401)
print("done", len(pulled))
