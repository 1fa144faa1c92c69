// One sentence instead of a page of errors when libtorch is missing or the wrong one.
#ifndef RESTORE_LIBTORCH_CHECK_H
#define RESTORE_LIBTORCH_CHECK_H
#if !__has_include(<ATen/core/dispatch/Dispatcher.h>) || !__has_include(<c10/core/GradMode.h>)
#error libtorch was not found: run "make deps", or set LIBTORCH to the torch folder of a PyTorch >= 2.9.
#define RESTORE_NO_LIBTORCH 1
#else
#include <torch/headeronly/version.h>
#if TORCH_VERSION_MAJOR != 2 || TORCH_VERSION_MINOR < 9
#error this libtorch is too old or too new: restore needs PyTorch 2.9 or a later 2.x (see LIBTORCH).
#define RESTORE_NO_LIBTORCH 1
#endif
#endif
#endif
