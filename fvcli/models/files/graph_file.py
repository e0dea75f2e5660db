"""Read a TensorFlow graph's file, and say of each op whether it may be part of a network; no TensorFlow.

A graph is a program: its nodes can read and write files, run Python and talk to other machines. None of them
is run before the nodes that a network needs were found to be plain mathematics.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from fvcli.errors import FvcliError, UsageError
from fvcli.models.files.file_kinds import HEAD_BYTES, kind_of
from fvcli.models.files.words_of_others import printable

SAVED_MODEL = "saved_model.pb"
MAX_BYTES = 2**31  # protobuf's own limit
MAX_NODES = 200_000
MOST_LISTED = 5
FIRST_BYTE = b"\x0a"  # of a GraphDef: field 1, its first node
NAME = re.compile(r"[\w.][\w.\\/>-]*", re.ASCII)
GIVE = "give a frozen graph, a binary GraphDef with its weights as constants"

# What reaches out of the graph: files, Python, other devices and programs, or this process itself.
OUTSIDE = re.compile(
    r"""(Read|Write|Matching)Files?|ImmutableConst|LoadAndRemapMatrix|FileSystem\w+|RecordInput|ImportEvent
    | \w*PyFunc\w*|\w*(Reader|Dataset|Iterator|TextFile|SummaryWriter|SummaryDbWriter|SummaryFileWriter)\w*
    | Write\w*Summary|PrintV2|Debug\w+|Abort|DistributedSave|RemoteCall|Rpc\w*|_?(Host)?(Send|Recv)\w*
    | Collective\w+|Nccl\w+|(In|Out)feed\w+|\w*TPU\w*|Tpu\w*|WorkerHeartbeat|\w*Barrier\w*|Xla\w*Host\w*
    """,
    re.VERBOSE,
)
CHECKPOINTS = re.compile(r"(Save|Restore)(V2|Slices?)?|MergeV2Checkpoints|Sharded(Filename|Filespec)")
VARIABLES = re.compile(r"VarHandleOp|ReadVariableOp|Variable(V2)?|\w*HashTable\w*|LookupTable\w+")
RANDOM = re.compile(
    r"(Stateless|Stateful)?(Parameterized)?(Random|TruncatedNormal|Uniform|StandardNormal|Multinomial)\w*"
    r"|Rng(ReadAnd)?Skip|NonDeterministicInts"
)
CONTROL = re.compile(
    r"(Ref)?(Switch|Merge|Enter|Exit|NextIteration|Select)|LoopCond|(Stateless)?(If|While|Case)|For"
)
CALLS = re.compile(r"(Stateful)?PartitionedCall|SymbolicGradient|RemoteCall")
EIGHT_BITS = re.compile(r"(Re)?Quantiz\w+|Quantized\w+")
LEARNS = re.compile(r"\w*(Conv|MatMul|Einsum|BatchNorm|RNN|LSTM|GRU)\w*")  # reads weights
LEARNS_INSIDE = "_fvcli_learns"  # an attribute of nodes whose functions do
QUEUES = re.compile(r"\w*Queue\w*|Stage|Unstage|Map(Un)?stage\w*|TensorArray\w*|TensorList\w*|Stack\w*V2")


def read_graph(path: Path) -> bytes:
    """Return the bytes of a graph's file.

    Raises:
        UsageError: It cannot be read, or is visibly something else.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
            if not head.startswith(FIRST_BYTE):
                raise not_a_graph(path, head)
            if size >= MAX_BYTES:
                raise UsageError(f"{path}: it is larger than {MAX_BYTES:,} bytes", GIVE)
            return head + file.read()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", GIVE) from error


def not_a_graph(path: Path, head: bytes) -> UsageError:
    """Return the refusal of a file that is no graph, or a damaged one."""
    damaged = head.startswith(FIRST_BYTE)
    reason = "it is cut short, damaged or another kind of protobuf" if damaged else kind_of(head)
    if not damaged and head.lstrip().startswith(b"node"):
        return UsageError(f"{path}: not a frozen TensorFlow graph (a graph as text)", "save it as binary")
    hint = "give the folder that it is in" if path.name == SAVED_MODEL else GIVE
    return UsageError(f"{path}: not a frozen TensorFlow graph ({reason})", hint)


def folder_sum(folder: Path) -> str:
    """Return the SHA-256 of a folder's files, their names and bytes, in order.

    Raises:
        UsageError: One cannot be read.
    """
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*"), key=lambda p: p.relative_to(folder).as_posix()):
        if path.is_file():
            total.update(path.relative_to(folder).as_posix().encode("utf-8", "surrogateescape") + b"\0")
            total.update(hashlib.sha256(_content(path)).digest())
    return total.hexdigest()


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", "a model's files have to be readable") from error


def nodes_by_name(nodes: Iterable[Any], name: str) -> dict[str, Any]:
    """Return the nodes of a graph by their names.

    Raises:
        FvcliError: A name is none, or two nodes have one.
    """
    found: dict[str, Any] = {}
    for node in nodes:
        if not NAME.fullmatch(node.name) or not NAME.fullmatch(node.op):
            raise FvcliError(f"{name}: a damaged graph (a node has no proper name)", GIVE)
        if node.name in found or len(found) == MAX_NODES:
            fault = "two nodes have one name" if node.name in found else "it has too many nodes"
            raise FvcliError(f"{name}: a damaged graph ({fault})", GIVE)
        found[node.name] = node
    return found


def refusal(node: Any, name: str) -> UsageError:
    """Return why a node cannot be computed, in one line."""
    what = f"node {printable(node.name)} is a {node.op}, which {why_not(node.op)}"
    return UsageError(f"{name}: {what}", _hint(node.op))


def why_not(op: str) -> str:
    """Return what is wrong with an op that is not plain mathematics."""
    reasons = (
        (OUTSIDE, "reaches out of the graph: files, Python or other programs"),
        (CHECKPOINTS, "reads or writes checkpoints"),
        (VARIABLES, "keeps what it knows outside of the file: the graph is not frozen"),
        (RANDOM, "draws random numbers: a picture would not be the same twice"),
        (CONTROL, "decides while it runs what is computed"),
        (CALLS, "calls a function"),
        (EIGHT_BITS, "computes with whole numbers of 8 bits, which have no gradient"),
        (QUEUES, "is filled while the graph runs"),
    )
    found = (reason for pattern, reason in reasons if pattern.fullmatch(op))
    return next(found, "is none of the operations that fvcli computes")


def _hint(op: str) -> str:
    if OUTSIDE.fullmatch(op) or CHECKPOINTS.fullmatch(op):
        return "freeze only what is between picture and outputs, or name a node behind it with model.input"
    if CONTROL.fullmatch(op) or QUEUES.fullmatch(op):
        behind = "of preprocessing in a loop, name a node behind it with model.input"
        return f"of recurrent layers, give the .keras or .h5 file; {behind}; else freeze it for inference"
    if EIGHT_BITS.fullmatch(op):
        return "give the graph as it was before it was quantized"
    if RANDOM.fullmatch(op):
        return "freeze the graph as it is used for inference, or name a node behind it with model.input"
    if CALLS.fullmatch(op):
        return "freeze it with functions inlined, or give the SavedModel"
    return "freeze the graph as it is used for inference"


def listed(names: Collection[str]) -> str:
    """Return the first of some names in a line."""
    return ", ".join([*names][:MOST_LISTED]) + (", ..." if len(names) > MOST_LISTED else "")


def node_name(reference: str) -> str:
    """Return which node an input such as ``^name`` or ``name:1`` is of."""
    return reference.removeprefix("^").partition(":")[0]
