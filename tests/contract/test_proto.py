"""The protocol: its generated code is current, and what clients rely on stays."""

from collections.abc import Iterator
from pathlib import Path

from google.protobuf.descriptor_pb2 import DescriptorProto, EnumDescriptorProto, FileDescriptorSet

from core.jobs import JobStatus, Tier, VideoStatus
from proto.generate import SDK, generate, run_protoc

RELEASED = Path(__file__).parent / "proto_released.binpb"
"""The protocol as clients know it (a FileDescriptorSet, as protoc writes it): it may only grow."""


def test_the_generated_code_is_current(tmp_path: Path) -> None:
    generate(tmp_path)
    made = {path.name: path.read_text() for path in (tmp_path / "marey/v1").iterdir()}
    kept = {path.name: path.read_text() for path in (SDK / "marey/v1").glob("*.py*")}
    assert made == kept


def test_nothing_that_clients_rely_on_is_gone(tmp_path: Path) -> None:
    run_protoc(f"--descriptor_set_out={tmp_path / 'now'}")
    now = FileDescriptorSet.FromString((tmp_path / "now").read_bytes())
    released = set(promises(FileDescriptorSet.FromString(RELEASED.read_bytes())))
    assert len(released) > 100
    assert sorted(released - set(promises(now))) == []


def test_a_change_of_a_field_is_seen() -> None:
    files = FileDescriptorSet.FromString(RELEASED.read_bytes())
    before = set(promises(files))
    files.file[0].message_type[0].field[0].number += 100
    assert len(before - set(promises(files))) == 1


def test_the_words_are_those_of_the_code() -> None:
    files = FileDescriptorSet.FromString(RELEASED.read_bytes())
    said = {enum.name: {value.name for value in enum.value} for file in files.file for enum in file.enum_type}
    for name, words in (("JOB_STATUS", JobStatus), ("VIDEO_STATUS", VideoStatus), ("TIER", Tier)):
        expected = {f"{name}_UNSPECIFIED", *(f"{name}_{word.name}" for word in words)}
        assert said[name.title().replace("_", "")] == expected


def promises(files: FileDescriptorSet) -> Iterator[str]:
    """A line per method, field and enum value, with all that matters on the wire."""
    for file in files.file:
        for message in file.message_type:
            yield from _fields(message)
        for enum in file.enum_type:
            yield from _values(enum)
        for service in file.service:
            for call in service.method:
                streams = f"{call.client_streaming} {call.server_streaming}"
                name = f"{file.package}.{service.name}/{call.name}"
                yield f"{name} {call.input_type} {call.output_type} {streams}"


def _fields(message: DescriptorProto) -> Iterator[str]:
    for field in message.field:
        oneof = message.oneof_decl[field.oneof_index].name if field.HasField("oneof_index") else ""
        kind = f"{field.type} {field.type_name} {field.label} {oneof}"
        yield f"{message.name}.{field.name} = {field.number}: {kind}"


def _values(enum: EnumDescriptorProto) -> Iterator[str]:
    for value in enum.value:
        yield f"{enum.name}.{value.name} = {value.number}"
