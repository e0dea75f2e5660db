"""Say what the owner of a file that fvcli does not read can do with it, with the command to type.

FILE in a sentence is the file's path, NAME that path without its ending, FOLDER the folder that it is in.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from fvcli.models.files.file_kinds import SAVED_MODEL_PB

PLACES = re.compile(r"'(?P<quoted>FILE|NAME|FOLDER)(?P<end>[^']*)'|\b(?P<word>FILENAME|FILE|FOLDER|NAME)\b")
KINDS = "a .keras, .h5, .json (with weights: a .h5), .pb or SavedModel folder"
PYTORCH, ONNX, CORE_ML, CAFFE = "a PyTorch file", "an ONNX model", "a Core ML model", "a Caffe file"
TORCHSCRIPT = "a TorchScript file"
CHECKPOINT = "a TensorFlow checkpoint"
UNPACKED = "an unpacked .keras file"
LFS = "a Git LFS pointer, not the file it stands for"
SAVE = "save it: model.save('my.keras')"
MADE_FROM = "give the Keras or TensorFlow model that it was made from"
LOAD_THEM = f"load them into a Keras model and {SAVE}"
FROM_ONNX = "onnx2tf -i my.onnx -o my-saved-model"
EXPORT = "torch.onnx.export(model, torch.zeros(1, 3, 224, 224), 'my.onnx')"
BY_ONNX = f"then convert that with {FROM_ONNX} and give the folder"
PICKLED = "a pickle can run code when it is read; load it where you trust it"
# What is wrong with how a file came here, and not with what it is: weights and networks alike.
COPIES = {
    "a web page": "download the file again, because this is not what was meant (on GitHub the Raw button, on "
    "Hugging Face /resolve/ instead of /blob/ in the address)",
    LFS: "fetch the file: cd FOLDER && git lfs pull",
    "an empty file": "copy or download it again",
    "a damaged zip archive": "it ends too early, so copy or download it again",
    "an empty zip archive": "copy or download it again",
    "a gzip file": "unpack it: gunzip -k FILE",
    "a bzip2 file": "unpack it: bunzip2 -k FILE",
    "an xz file": "unpack it: unxz -k FILE",
    "a zstd file": "unpack it: unzstd FILE",
    "a tar archive": "unpack it: tar -xf FILE -C FOLDER, and give the model that is in it",
    "a packed tar archive": "unpack it: tar -xf FILE -C FOLDER, and give the model that is in it",
    "a zip archive": "unpack it: python -m zipfile -e FILE NAME-unpacked, and give the model that is in it",
    "a 7z archive": "unpack it: 7z x FILE, and give the model that is in it",
    "a rar archive": "unpack it: unrar x FILE, and give the model that is in it",
}
FROM_OTHERS = {
    PYTORCH: f"export it with {EXPORT}, {BY_ONNX}; weights of a network that fvcli knows are named so: "
    "model: {name: efficientnet-lite0, weights: FILE}",
    TORCHSCRIPT: f"export it with model = torch.jit.load('FILE') and {EXPORT}, {BY_ONNX}",
    ONNX: "convert it with onnx2tf -i FILE -o NAME-saved-model, and give that folder",
    CORE_ML: MADE_FROM,
    CAFFE: "weights of GoogLeNet are named so: model: {name: inceptionv1, weights: FILE}; convert others "
    f"with python -m caffe2onnx.convert --prototxt my.prototxt --caffemodel FILE --onnx my.onnx, {BY_ONNX}",
    "a TensorFlow Lite model": f"gradients cannot go through it; {MADE_FROM}",
    "an ExecuTorch program": f"gradients cannot go through it; export the model with {EXPORT}, {BY_ONNX}",
    "a GGUF file": "it has the weights of a language model, and fvcli renders networks of pictures",
    "a TensorRT engine": f"it is compiled for one GPU; {MADE_FROM}, or its ONNX file: {FROM_ONNX}",
    "an OpenVINO model": f"{MADE_FROM}, or convert it: openvino2tensorflow --model_path FILE "
    "--output_saved_model",
    "an MXNet network": "export it with mx.onnx.export_model('FILE', 'my.params', [(1, 3, 224, 224)], "
    f"onnx_file_path='my.onnx'), {BY_ONNX}",
    "an MXNet weights file": "export it with mx.onnx.export_model('my-symbol.json', 'FILE', [(1, 3, 224, "
    f"224)], onnx_file_path='my.onnx'), {BY_ONNX}",
    "a PaddlePaddle model": "export it with paddle2onnx --model_dir FOLDER --model_filename FILENAME "
    f"--params_filename my.pdiparams --save_file my.onnx, {BY_ONNX}",
    "PaddlePaddle weights": "export it with paddle2onnx --model_dir FOLDER --model_filename my.pdmodel "
    f"--params_filename FILENAME --save_file my.onnx, {BY_ONNX}",
    "a Darknet weights file": f"load it into its network (its .cfg describes it) in Keras, and {SAVE}",
    "a Darknet network": f"build it in Keras, load the .weights file that goes with it, and {SAVE}",
    "an ncnn model": MADE_FROM,
}
FROM_TENSORFLOW = {
    "a TensorFlow.js model": "convert it: tensorflowjs_converter --input_format=tfjs_layers_model "
    "--output_format=keras FILE NAME.h5",
    "a TensorFlow.js graph": "convert it: pip install tfjs-graph-converter, then tfjs_graph_converter "
    "--output_format tf_saved_model FOLDER NAME-saved-model",
    "a shard of TensorFlow.js weights": "convert the model.json beside it: tensorflowjs_converter "
    "--input_format=tfjs_layers_model --output_format=keras FOLDER/model.json my.h5",
    SAVED_MODEL_PB: "it needs the folder that it was in, where variables/ is beside it; give that folder",
    "a zipped TensorFlow SavedModel": "unpack it: python -m zipfile -e FILE NAME-unpacked; give the folder "
    "in it that holds saved_model.pb",
    "a TensorFlow SavedModel as text": "save it in binary form, with tf.saved_model.save",
    "a TensorFlow graph as text": 'save it in binary form: python -c "import tensorflow as tf; from '
    "google.protobuf import text_format as t; open('NAME-new.pb', 'wb').write(t.Parse(open('FILE').read()"
    ', tf.compat.v1.GraphDef()).SerializeToString())"',
    CHECKPOINT: "it has weights and no network; build the model in the TensorFlow that wrote it, "
    "model.load_weights('NAME'), and save the whole: model.save('my.h5')",
    "the list of a TensorFlow checkpoint": "it names files of weights; build the model in TensorFlow, "
    "model.load_weights(tf.train.latest_checkpoint('FOLDER')), and save the whole: model.save('my.h5')",
    "the graph of a TensorFlow checkpoint": "freeze it: saver = tf.compat.v1.train.import_meta_graph('FILE')"
    ", saver.restore(session, 'NAME'), then tf.compat.v1.graph_util.convert_variables_to_constants",
}
WAYS_OUT = {
    **COPIES,
    **FROM_OTHERS,
    **FROM_TENSORFLOW,
    UNPACKED: "pack it again: python -m zipfile -c FILE.keras FILE/config.json FILE/metadata.json "
    "FILE/model.weights.h5, and give FILE.keras",
    "a safetensors file": f"it has weights and no network; {LOAD_THEM}",
    "a NumPy .npz archive": f"it has arrays and no network; {LOAD_THEM}",
    "a NumPy array": "it has one array and no network; give a .keras or .h5 file that model.save() wrote",
    "a Python pickle": f"{PICKLED}, and {SAVE}",
    "a packed pickle of joblib": f"{PICKLED} with joblib.load('FILE'), and {SAVE}",
    "a notebook": "run it, and save the model that it trains: model.save('my.keras')",
    "a folder": f"give {KINDS}",
    "a picture": "model names a network; pictures are named by a job: pictures: FILE",
    "a spec": "write the model that it names",
}


def way_out(path: Path, kind: str) -> str:
    """Say what can be done with a file or folder that is no model for fvcli."""
    if path.name == "saved_model.pb":
        weights = "" if (path.parent / "variables").is_dir() else ", with variables/ beside it"
        return f"give the folder that it is in{weights}: {path.parent}"
    return filled_in(WAYS_OUT.get(kind, f"give {KINDS}"), path)


def filled_in(sentence: str, path: Path) -> str:
    """Put a path into a sentence, as a shell takes it, or Python between quotation marks."""
    stem = path.with_suffix("")
    meant = {"FILENAME": path.name, "FOLDER": str(path.parent), "FILE": str(path), "NAME": str(stem)}

    def put(found: re.Match[str]) -> str:
        if found["quoted"]:
            return repr(meant[found["quoted"]] + found["end"])
        return shlex.quote(meant[found["word"]])

    return PLACES.sub(put, sentence)
