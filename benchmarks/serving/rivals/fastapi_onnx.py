"""FastAPI, with ONNX Runtime for the network: the stack that is most often advised for speed.

Views are `async def` and compute in the event loop: at these sizes, that is faster than a thread for each
request. Responses are written by json.dumps, which avoids FastAPI's validation of them.
"""

import onnxruntime as ort
from fastapi import FastAPI, Request, Response, UploadFile
from onnx import TensorProto, helper, numpy_helper

from benchmarks.serving.rivals.reading import MODEL, as_json, documents, prepare
from models.activations import Array
from models.network import CLASSES, PIXELS, Network

OPSET, IR_VERSION = 13, 8
app = FastAPI(openapi_url=None)


def graph(network: Network) -> bytes:
    """Write the network as ONNX: Gemm and Relu, up to the logits."""
    nodes, initialisers, a = [], [], "x"
    for index, layer in enumerate(network):
        z = f"z{index}"
        initialisers.append(numpy_helper.from_array(layer.W, f"W{index}"))
        initialisers.append(numpy_helper.from_array(layer.b, f"b{index}"))
        nodes.append(helper.make_node("Gemm", [a, f"W{index}", f"b{index}"], [z]))
        if layer is not network[-1]:
            nodes.append(helper.make_node("Relu", [z], [f"a{index}"]))
        a = f"a{index}"
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, PIXELS])
    logits = helper.make_tensor_value_info(z, TensorProto.FLOAT, [None, CLASSES])
    made = helper.make_graph(nodes, "digits", [x], [logits], initialisers)
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    return bytes(model.SerializeToString())


def session() -> ort.InferenceSession:
    """Load the network, with one thread as in all servers here."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return ort.InferenceSession(graph(MODEL.network), options, providers=["CPUExecutionProvider"])


SESSION = session()


def run(pngs: list[bytes]) -> Array:
    """Return the logits (N, 10) of N PNGs."""
    return SESSION.run(None, {"x": prepare(pngs)})[0]


@app.post("/predict")
async def predict(file: UploadFile) -> Response:
    """Read the digit in a form's file."""
    return answer(await file.read())


@app.post("/raw")
async def raw(request: Request) -> Response:
    """Read the digit in the image that is the body."""
    return answer(await request.body())


@app.post("/batch")
async def batch(files: list[UploadFile]) -> Response:
    """Read the digits in a form's files, as one batch."""
    answers = documents(run([await file.read() for file in files]))
    return Response(as_json({"predictions": answers}), media_type="application/json")


def answer(png: bytes) -> Response:
    """Answer one PNG."""
    return Response(as_json(documents(run([png]))[0]), media_type="application/json")
