"""Schema 3 imagined: the tag of schema 2 is renamed, and networks are dropped."""


def upgrade(data):
    groups = {key: {**group, "tags": [f"{tag}-three" for tag in group["tags"]]}
              for key, group in data["groups"].items()}
    return {**{k: v for k, v in data.items() if k != "networks"}, "groups": groups}
