// In the place of TensorFlow's file of this name, which is not among the headers of its C library. It says that a build is for a phone or, as
// here, needs no part of <tensorflow/c/kernels.h> that is written in C++.
#pragma once
#define IS_SLIM_BUILD
