"""Schema 2 imagined: every group gets a tag."""


def upgrade(data):
    groups = {key: {**group, "tags": ["two"]} for key, group in data["groups"].items()}
    return {**data, "groups": groups}
