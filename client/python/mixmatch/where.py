"""Filters from keywords: where(kind="clip", lang=["en", "fr"]) is true of items with that metadata."""

from typing import Any, Dict, List, Union

from mixmatch.v1 import filter_pb2 as pb
from mixmatch.v1 import item_pb2

# Fields of the item itself; every other name is a metadata key.
_FIELDS = {"item_id", "modality", "media_type", "name", "source", "event_id", "observed_time", "created_time", "duration",
           "size_bytes", "location"}


def value(python_value: Any) -> item_pb2.MetadataValue:
    """Text, number or flag. TypeError for anything else."""
    if isinstance(python_value, bool):
        return item_pb2.MetadataValue(flag=python_value)
    if isinstance(python_value, (int, float)):
        return item_pb2.MetadataValue(number=python_value)
    if isinstance(python_value, str):
        return item_pb2.MetadataValue(text=python_value)
    raise TypeError(f"metadata: got {type(python_value).__name__}, want str, int, float or bool")


def values(metadata: Dict[str, Any]) -> Dict[str, item_pb2.MetadataValue]:
    return {key: value(python_value) for key, python_value in metadata.items()}


def where(**conditions: Any) -> pb.Filter:
    """All conditions hold. A list means any of its values, slice(1990, 2000) numbers from 1990 to 2000 (both within;
    None leaves an end open), None that the field is absent."""
    filters = [pb.Filter(condition=_condition(name, wanted)) for name, wanted in conditions.items()]
    return filters[0] if len(filters) == 1 else pb.Filter(all=pb.FilterList(filters=filters))


def within(latitude: float, longitude: float, radius_meters: float) -> pb.Filter:
    """True of items whose stated location is in the circle."""
    circle = pb.GeoCircle(latitude=latitude, longitude=longitude, radius_meters=radius_meters)
    return pb.Filter(condition=pb.Condition(field="location", within=circle))


def all_of(*filters: pb.Filter) -> pb.Filter:
    return pb.Filter(all=pb.FilterList(filters=filters))


def any_of(*filters: pb.Filter) -> pb.Filter:
    return pb.Filter(any=pb.FilterList(filters=filters))


def not_(inner: pb.Filter) -> pb.Filter:
    return pb.Filter(**{"not": inner})


def _condition(name: str, wanted: Union[Any, List[Any], None]) -> pb.Condition:
    field = name if name in _FIELDS else "metadata." + name
    if wanted is None:
        return pb.Condition(field=field, exists=False)
    if isinstance(wanted, range):
        raise TypeError("where: for a range of numbers give a slice, e.g. year=slice(1990, 2000)")
    if isinstance(wanted, slice):
        bounds = {name: bound for name, bound in (("min", wanted.start), ("max", wanted.stop)) if bound is not None}
        return pb.Condition(field=field, range=pb.Range(**bounds))
    if isinstance(wanted, (list, tuple, set, frozenset)):
        return pb.Condition(**{"field": field, "in": pb.ValueList(values=[value(v) for v in wanted])})
    return pb.Condition(field=field, equals=value(wanted))
