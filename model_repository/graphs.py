"""Parts of an exported network: what comes before its convolutions, and what after."""

import onnx


def float_tail(graph: onnx.GraphProto) -> list[str]:
    """Names of the nodes that lead to no convolution: the last convolutions, and what follows them."""
    leads_to_conv: set[str] = set()
    tail: list[str] = []
    for node in reversed(graph.node):
        if any(output in leads_to_conv for output in node.output):
            leads_to_conv.update(node.input)
            continue
        tail.append(node.name)
        if node.op_type == "Conv":
            leads_to_conv.update(node.input)
    return tail


def float_head(graph: onnx.GraphProto) -> list[str]:
    """Names of the nodes that no convolution leads to: what is done to the pixels."""
    behind_conv: set[str] = set()
    head: list[str] = []
    for node in graph.node:
        if node.op_type == "Conv" or behind_conv.intersection(node.input):
            behind_conv.update(node.output)
        else:
            head.append(node.name)
    return head
