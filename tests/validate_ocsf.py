#!/usr/bin/env python3
"""Holds events against the published schema of OCSF, which the Python package `ocsf-json-schema` carries.

    validate_ocsf.py FILE    JSON lines, an event each

Exit codes: 0 every event fits, 1 one does not (it is named), 2 nothing was given, 3 a package is missing.
"""

import json
import sys

try:
    from jsonschema import Draft202012Validator
    from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema
except ImportError as missing:
    print(f"missing: {missing}", file=sys.stderr)
    sys.exit(3)


def main():
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    validators, schemas, count = {}, {}, 0
    with open(sys.argv[1], encoding="utf-8") as events:
        for number, line in enumerate(events, 1):
            event = json.loads(line)
            version, uid = event["metadata"]["version"], event["class_uid"]
            if version not in schemas:
                schemas[version] = OcsfJsonSchemaEmbedded(get_ocsf_schema(version=version))
            if (version, uid) not in validators:
                name = schemas[version].lookup_class_name_from_uid(class_uid=uid)
                schema = schemas[version].get_class_schema(class_name=name, profiles=[])
                validators[version, uid] = Draft202012Validator(schema)
            for error in validators[version, uid].iter_errors(event):
                print(f"line {number}, {event['metadata'].get('event_code')}: {error.json_path}: {error.message}")
                return 1
            if event["type_uid"] != uid * 100 + event["activity_id"]:
                print(f"line {number}: its type does not follow from its class and activity")
                return 1
            count += 1
    print(f"{count} events of {len(validators)} classes fit")
    return 0


if __name__ == "__main__":
    sys.exit(main())
