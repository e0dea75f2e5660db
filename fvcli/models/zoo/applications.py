"""The networks of keras.applications, as far as they are known without Keras.

Native sizes, preprocessing and names of weights files: Keras 3 (keras.io/api/applications).
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from fvcli.models.choice import Preprocessing

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
TF = Preprocessing((-1.0, 1.0))
TORCH = Preprocessing((0.0, 1.0), IMAGENET_MEAN, IMAGENET_STD)
CAFFE = Preprocessing((0.0, 255.0), (103.939, 116.779, 123.68), None, "BGR")
BUILT_IN = Preprocessing((0.0, 255.0))  # the network's first layers do the rest
STORAGE = "https://storage.googleapis.com"


@dataclass(frozen=True)
class Application:
    """One network: its function in keras.applications, input size, preprocessing and weights.

    remote: Where its weights are in Keras's storage.
    renamed: Their name in Keras's cache, where it is another one.
    """

    function: str
    native_size_px: int
    preprocessing: Preprocessing
    remote: str
    renamed: str | None = None

    @property
    def name(self) -> str:
        return self.function.lower()

    @property
    def url(self) -> str:
        return f"{STORAGE}/{self.remote}"

    @property
    def weights_file(self) -> str:
        """Name of the weights in Keras's cache."""
        return self.renamed or self.remote.rpartition("/")[2]

    def cached_weights(self) -> Path | None:
        """Return the weights in Keras's cache, or None if they are not there."""
        path = keras_cache() / self.weights_file
        return path if path.is_file() else None


def keras_cache() -> Path:
    """Return the folder in which Keras keeps downloaded weights.

    Its own rule: KERAS_HOME, or .keras in the home folder, or in /tmp if that cannot be written.
    """
    home = os.path.expanduser("~")  # stays as it is for a user without a home
    default = Path(home if os.access(home, os.W_OK) else "/tmp", ".keras")
    return Path(os.environ.get("KERAS_HOME") or default, "models")


APPLICATIONS = {
    entry.name: entry
    for entry in (
        Application("ConvNeXtBase", 224, BUILT_IN, "tensorflow/keras-applications/convnext/convnext_base.h5"),
        Application(
            "ConvNeXtLarge", 224, BUILT_IN, "tensorflow/keras-applications/convnext/convnext_large.h5"
        ),
        Application(
            "ConvNeXtSmall", 224, BUILT_IN, "tensorflow/keras-applications/convnext/convnext_small.h5"
        ),
        Application("ConvNeXtTiny", 224, BUILT_IN, "tensorflow/keras-applications/convnext/convnext_tiny.h5"),
        Application(
            "ConvNeXtXLarge", 224, BUILT_IN, "tensorflow/keras-applications/convnext/convnext_xlarge.h5"
        ),
        Application(
            "DenseNet121",
            224,
            TORCH,
            "tensorflow/keras-applications/densenet/densenet121_weights_tf_dim_ordering_tf_kernels.h5",
        ),
        Application(
            "DenseNet169",
            224,
            TORCH,
            "tensorflow/keras-applications/densenet/densenet169_weights_tf_dim_ordering_tf_kernels.h5",
        ),
        Application(
            "DenseNet201",
            224,
            TORCH,
            "tensorflow/keras-applications/densenet/densenet201_weights_tf_dim_ordering_tf_kernels.h5",
        ),
        Application("EfficientNetB0", 224, BUILT_IN, "keras-applications/efficientnetb0.h5"),
        Application("EfficientNetB1", 240, BUILT_IN, "keras-applications/efficientnetb1.h5"),
        Application("EfficientNetB2", 260, BUILT_IN, "keras-applications/efficientnetb2.h5"),
        Application("EfficientNetB3", 300, BUILT_IN, "keras-applications/efficientnetb3.h5"),
        Application("EfficientNetB4", 380, BUILT_IN, "keras-applications/efficientnetb4.h5"),
        Application("EfficientNetB5", 456, BUILT_IN, "keras-applications/efficientnetb5.h5"),
        Application("EfficientNetB6", 528, BUILT_IN, "keras-applications/efficientnetb6.h5"),
        Application("EfficientNetB7", 600, BUILT_IN, "keras-applications/efficientnetb7.h5"),
        Application(
            "EfficientNetV2B0",
            224,
            BUILT_IN,
            "tensorflow/keras-applications/efficientnet_v2/efficientnetv2-b0.h5",
        ),
        Application(
            "EfficientNetV2B1",
            240,
            BUILT_IN,
            "tensorflow/keras-applications/efficientnet_v2/efficientnetv2-b1.h5",
        ),
        Application(
            "EfficientNetV2B2",
            260,
            BUILT_IN,
            "tensorflow/keras-applications/efficientnet_v2/efficientnetv2-b2.h5",
        ),
        Application(
            "EfficientNetV2B3",
            300,
            BUILT_IN,
            "tensorflow/keras-applications/efficientnet_v2/efficientnetv2-b3.h5",
        ),
        Application(
            "EfficientNetV2L",
            480,
            BUILT_IN,
            "tensorflow/keras-applications/efficientnet_v2/efficientnetv2-l.h5",
        ),
        Application(
            "EfficientNetV2M",
            480,
            BUILT_IN,
            "tensorflow/keras-applications/efficientnet_v2/efficientnetv2-m.h5",
        ),
        Application(
            "EfficientNetV2S",
            384,
            BUILT_IN,
            "tensorflow/keras-applications/efficientnet_v2/efficientnetv2-s.h5",
        ),
        Application(
            "InceptionResNetV2",
            299,
            TF,
            "tensorflow/keras-applications/inception_resnet_v2/inception_resnet_v2_weights_tf_dim_ordering_tf_kernels.h5",
        ),
        Application(
            "InceptionV3",
            299,
            TF,
            "tensorflow/keras-applications/inception_v3/inception_v3_weights_tf_dim_ordering_tf_kernels.h5",
        ),
        Application("MobileNet", 224, TF, "tensorflow/keras-applications/mobilenet/mobilenet_1_0_224_tf.h5"),
        Application(
            "MobileNetV2",
            224,
            TF,
            "tensorflow/keras-applications/mobilenet_v2/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224.h5",
        ),
        Application(
            "MobileNetV3Large",
            224,
            BUILT_IN,
            "tensorflow/keras-applications/mobilenet_v3/weights_mobilenet_v3_large_224_1.0_float.h5",
        ),
        Application(
            "MobileNetV3Small",
            224,
            BUILT_IN,
            "tensorflow/keras-applications/mobilenet_v3/weights_mobilenet_v3_small_224_1.0_float.h5",
        ),
        Application(
            "NASNetLarge", 331, TF, "tensorflow/keras-applications/nasnet/NASNet-large.h5", "nasnet_large.h5"
        ),
        Application(
            "NASNetMobile",
            224,
            TF,
            "tensorflow/keras-applications/nasnet/NASNet-mobile.h5",
            "nasnet_mobile.h5",
        ),
        Application(
            "ResNet101",
            224,
            CAFFE,
            "tensorflow/keras-applications/resnet/resnet101_weights_tf_dim_ordering_tf_kernels.h5",
        ),
        Application(
            "ResNet101V2",
            224,
            TF,
            "tensorflow/keras-applications/resnet/resnet101v2_weights_tf_dim_ordering_tf_kernels.h5",
        ),
        Application(
            "ResNet152",
            224,
            CAFFE,
            "tensorflow/keras-applications/resnet/resnet152_weights_tf_dim_ordering_tf_kernels.h5",
        ),
        Application(
            "ResNet152V2",
            224,
            TF,
            "tensorflow/keras-applications/resnet/resnet152v2_weights_tf_dim_ordering_tf_kernels.h5",
        ),
        Application(
            "ResNet50",
            224,
            CAFFE,
            "tensorflow/keras-applications/resnet/resnet50_weights_tf_dim_ordering_tf_kernels.h5",
        ),
        Application(
            "ResNet50V2",
            224,
            TF,
            "tensorflow/keras-applications/resnet/resnet50v2_weights_tf_dim_ordering_tf_kernels.h5",
        ),
        Application(
            "VGG16",
            224,
            CAFFE,
            "tensorflow/keras-applications/vgg16/vgg16_weights_tf_dim_ordering_tf_kernels.h5",
        ),
        Application(
            "VGG19",
            224,
            CAFFE,
            "tensorflow/keras-applications/vgg19/vgg19_weights_tf_dim_ordering_tf_kernels.h5",
        ),
        Application(
            "Xception",
            299,
            TF,
            "tensorflow/keras-applications/xception/xception_weights_tf_dim_ordering_tf_kernels.h5",
        ),
    )
}
