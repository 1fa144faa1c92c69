// A C ABI over libtorch, small because it has one door: every ATen operator is reached
// by name through libtorch's dispatcher (`ct_call`). Rules that hold for every function:
//   - no C++ exception crosses this boundary: a failing function returns a non-zero status
//     (or NULL) and `ct_last_error()` then gives the message, per thread;
//   - a `ct_tensor` that is returned belongs to the caller, who frees it with
//     `ct_tensor_free`; arguments are borrowed;
//   - no global state is touched besides libtorch's own.
// libtorch is loaded by the first call of any of them, which ends the process with a sentence where that fails.
#ifndef RESTORE_CTORCH_H
#define RESTORE_CTORCH_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ct_tensor_s *ct_tensor;
typedef const void *ct_operator;
typedef struct ct_mark_s *ct_mark;
typedef struct ct_graph_s *ct_graph;

/// The message of this thread's last failure; valid until the next failing call.
const char *ct_last_error(void);

/// libtorch's version, such as "2.13.0".
const char *ct_version(void);

// MARK: operators

typedef enum {
  CT_NONE = 0,
  CT_TENSOR,      // tensors[0]
  CT_INT,         // integer; also memory formats, dtypes and other enumerations
  CT_DOUBLE,      // real
  CT_BOOL,        // integer != 0
  CT_STRING,      // string
  CT_INT_LIST,    // integers[0..<count]
  CT_DOUBLE_LIST, // reals[0..<count]
  CT_TENSOR_LIST, // tensors[0..<count], none NULL
  CT_NONE_LIST,   // an empty list of unspecified type (`Scalar?[]`, `Tensor?[]`)
} ct_kind;

typedef struct {
  ct_kind kind;
  int64_t integer;
  double real;
  const char *string;
  const int64_t *integers;
  const double *reals;
  const ct_tensor *tensors;
  size_t count;
} ct_value;

/// Finds an operator, for example ("aten::add", "Tensor"). NULL when there is none.
ct_operator ct_operator_find(const char *name, const char *overload);

/// Calls an operator with positional arguments; missing trailing ones take the schema's
/// defaults. Tensor results (also those inside a returned list) are written to `results`,
/// at most `capacity`, and their number to `*result_count`.
int ct_call(ct_operator op, const ct_value *arguments, size_t argument_count,
            ct_tensor *results, size_t capacity, size_t *result_count);

// MARK: tensors

// dtypes and devices use libtorch's own numbers (c10::ScalarType, c10::DeviceType).

void ct_tensor_free(ct_tensor tensor);
/// A tensor on the CPU that owns a copy of `bytes` (contiguous, row-major).
ct_tensor ct_tensor_from_bytes(const void *bytes, size_t byte_count, const int64_t *shape,
                               size_t rank, int dtype);
/// Copies the contiguous, row-major content to `bytes`; `byte_count` must be exact.
int ct_tensor_copy_bytes(ct_tensor tensor, void *bytes, size_t byte_count);
size_t ct_tensor_rank(ct_tensor tensor);
void ct_tensor_shape(ct_tensor tensor, int64_t *shape);
int ct_tensor_dtype(ct_tensor tensor);
int ct_tensor_device_type(ct_tensor tensor);
int ct_tensor_device_index(ct_tensor tensor);
int ct_tensor_is_channels_last(ct_tensor tensor);
/// Moves or converts; dtype -1 keeps, device type -1 keeps. The same storage may be shared
/// when nothing changes. From the CPU to another device nothing is waited for.
ct_tensor ct_tensor_to(ct_tensor tensor, int device_type, int device_index, int dtype,
                       int non_blocking);
/// A tensor of one value, made on its device.
ct_tensor ct_tensor_full(const int64_t *shape, size_t rank, double value, int dtype, int device_type,
                         int device_index);

/// The memory of a contiguous tensor, on its device; NULL if it is not contiguous.
void *ct_tensor_memory(ct_tensor tensor);
/// The memory of a tensor N×C×H×W whose pixels lie one after the other, N×H×W, each with its channels
/// together and `*stride` elements after the one before; NULL if it is laid out otherwise.
void *ct_tensor_pixels(ct_tensor tensor, size_t *stride);

// MARK: convolutions of our own

/// Whether `ct_convolution` can be used, and pays: float32 on the CPU, a kernel of 3×3, channels that the
/// kernels know, and tiles enough to pay for the transform of the weights.
int ct_convolution_fits(ct_tensor input, ct_tensor weight);
/// A 3×3 convolution of stride 1 with a pixel of zeros around, by Winograd's algorithm, and its gradients.
ct_tensor ct_convolution(ct_tensor input, ct_tensor weight, ct_tensor bias);

// MARK: autograd

int ct_tensor_requires_grad(ct_tensor tensor);
int ct_tensor_set_requires_grad(ct_tensor tensor, int requires_grad);
/// Adds the gradients of a one-element tensor to its leaves.
int ct_tensor_backward(ct_tensor tensor);
/// The accumulated gradient, or NULL (no error) when there is none.
ct_tensor ct_tensor_grad(ct_tensor tensor);
void ct_tensor_clear_grad(ct_tensor tensor);
/// Calls `hook(context)` each time the gradient of a leaf has been accumulated, on the thread of the
/// backward pass and instead of an earlier hook; NULL takes the hook away. `release(context)` is
/// called once, when the hook is no longer needed or could not be set.
int ct_tensor_set_gradient_hook(ct_tensor tensor, void (*hook)(void *), void (*release)(void *), void *context);
/// Sets this thread's recording of gradients and returns what it was.
int ct_grad_mode_set(int enabled);
/// Sets the type that this thread's convolutions and matrix products on a kind of device compute in, as
/// torch.autocast does; -1 for the tensors' own. Ending it drops the copies of weights made for it.
int ct_autocast_set(int device_type, int dtype);

// MARK: the machine

/// Number of CUDA devices, 0 without CUDA. Loads libtorch_cuda.so on first use if present.
int ct_cuda_device_count(void);
int ct_cuda_synchronize(int index);
/// A mark in what a CUDA device was asked to do so far by this thread.
ct_mark ct_cuda_mark(int index);
/// 1 once everything before the mark is done, 0 before, -1 for a failure.
int ct_mark_reached(ct_mark mark);
int ct_mark_wait(ct_mark mark);
void ct_mark_free(ct_mark mark);
/// Calls `body` once with a CUDA device writing down what it is asked to do instead of doing it, so that it can be
/// done many times at the price of one request (a CUDA graph). What `body` calls must have been called before with
/// tensors of the same shapes; nothing in it may wait for the device. Tensors made in `body` keep their memory, into
/// which every replay writes anew, as long as they or the graph live. NULL where it cannot be done or `body` returns
/// anything but 0.
ct_graph ct_graph_record(int index, int (*body)(void *), void *context);
/// Asks for what was written down, after what this thread asked for before.
int ct_graph_replay(ct_graph graph);
void ct_graph_free(ct_graph graph);
/// Whether `ct_kernel` can be used: a CUDA device is there, and its library compiles kernels.
int ct_has_kernels(void);
/// What a function of numbers gives for those at each place of CUDA tensors, which broadcast. It is compiled for the
/// device when first used.
///
/// - `code`: a C++ function template `template <typename T> T NAME(T a, T b, …)` of as many numbers as there are tensors.
ct_tensor ct_kernel(const char *code, const char *name, const ct_tensor *tensors, size_t count);
/// Makes CUDA try several algorithms for each new shape of a convolution and keep the fastest (1), or choose by rule (0).
void ct_try_convolutions(int tried);
/// Free bytes of a CUDA device's memory; 0 where they cannot be told.
uint64_t ct_cuda_free_memory(int index);
/// Gives memory of the CPU that was freed and kept for later back to the system, where the C library can.
void ct_release_memory(void);
/// From now on keeps memory of the CPU that is freed, in blocks of any size, until `ct_release_memory`, where the C library can.
void ct_keep_memory(void);
int ct_set_threads(int count);
int ct_threads(void);
/// Seeds libtorch's generators of every device.
int ct_manual_seed(uint64_t seed);
/// Makes float32 convolutions on CUDA use TF32 (1) or not (0).
void ct_allow_tf32(int allowed);
/// Number of tensors this ABI has handed out and that were not freed; for leak tests.
int64_t ct_live_tensors(void);

#ifdef __cplusplus
}
#endif
#endif
