// What librestore-torch.so exports: one function, which gives the functions of CTorch.h as a table. The program is
// not linked with that library, whose libtorch would cost every start a quarter of a second: CTorch.cpp opens it on
// the first call.
#ifndef RESTORE_TORCH_ENGINE_H
#define RESTORE_TORCH_ENGINE_H

#include "CTorch.h"

/// Every function of CTorch.h: F(result, name, parameters, arguments).
#define CT_FUNCTIONS(F) \
  F(const char *, ct_last_error, (), ()) \
  F(const char *, ct_version, (), ()) \
  F(ct_operator, ct_operator_find, (const char *name, const char *overload), (name, overload)) \
  F(int, ct_call, \
    (ct_operator op, const ct_value *arguments, size_t argument_count, ct_tensor *results, size_t capacity, \
     size_t *result_count), \
    (op, arguments, argument_count, results, capacity, result_count)) \
  F(void, ct_tensor_free, (ct_tensor tensor), (tensor)) \
  F(ct_tensor, ct_tensor_from_bytes, \
    (const void *bytes, size_t byte_count, const int64_t *shape, size_t rank, int dtype), \
    (bytes, byte_count, shape, rank, dtype)) \
  F(int, ct_tensor_copy_bytes, (ct_tensor tensor, void *bytes, size_t byte_count), (tensor, bytes, byte_count)) \
  F(size_t, ct_tensor_rank, (ct_tensor tensor), (tensor)) \
  F(void, ct_tensor_shape, (ct_tensor tensor, int64_t *shape), (tensor, shape)) \
  F(int, ct_tensor_dtype, (ct_tensor tensor), (tensor)) \
  F(int, ct_tensor_device_type, (ct_tensor tensor), (tensor)) \
  F(int, ct_tensor_device_index, (ct_tensor tensor), (tensor)) \
  F(int, ct_tensor_is_channels_last, (ct_tensor tensor), (tensor)) \
  F(ct_tensor, ct_tensor_to, \
    (ct_tensor tensor, int device_type, int device_index, int dtype, int non_blocking), \
    (tensor, device_type, device_index, dtype, non_blocking)) \
  F(ct_tensor, ct_tensor_full, \
    (const int64_t *shape, size_t rank, double value, int dtype, int device_type, int device_index), \
    (shape, rank, value, dtype, device_type, device_index)) \
  F(void *, ct_tensor_memory, (ct_tensor tensor), (tensor)) \
  F(void *, ct_tensor_pixels, (ct_tensor tensor, size_t *stride), (tensor, stride)) \
  F(int, ct_convolution_fits, (ct_tensor input, ct_tensor weight), (input, weight)) \
  F(ct_tensor, ct_convolution, (ct_tensor input, ct_tensor weight, ct_tensor bias), (input, weight, bias)) \
  F(int, ct_tensor_requires_grad, (ct_tensor tensor), (tensor)) \
  F(int, ct_tensor_set_requires_grad, (ct_tensor tensor, int requires_grad), (tensor, requires_grad)) \
  F(int, ct_tensor_backward, (ct_tensor tensor), (tensor)) \
  F(ct_tensor, ct_tensor_grad, (ct_tensor tensor), (tensor)) \
  F(void, ct_tensor_clear_grad, (ct_tensor tensor), (tensor)) \
  F(int, ct_tensor_set_gradient_hook, \
    (ct_tensor tensor, void (*hook)(void *), void (*release)(void *), void *context), \
    (tensor, hook, release, context)) \
  F(int, ct_grad_mode_set, (int enabled), (enabled)) \
  F(int, ct_autocast_set, (int device_type, int dtype), (device_type, dtype)) \
  F(int, ct_cuda_device_count, (), ()) \
  F(int, ct_cuda_synchronize, (int index), (index)) \
  F(ct_mark, ct_cuda_mark, (int index), (index)) \
  F(int, ct_mark_reached, (ct_mark mark), (mark)) \
  F(int, ct_mark_wait, (ct_mark mark), (mark)) \
  F(void, ct_mark_free, (ct_mark mark), (mark)) \
  F(ct_graph, ct_graph_record, (int index, int (*body)(void *), void *context), (index, body, context)) \
  F(int, ct_graph_replay, (ct_graph graph), (graph)) \
  F(void, ct_graph_free, (ct_graph graph), (graph)) \
  F(int, ct_has_kernels, (), ()) \
  F(ct_tensor, ct_kernel, (const char *code, const char *name, const ct_tensor *tensors, size_t count), \
    (code, name, tensors, count)) \
  F(void, ct_try_convolutions, (int tried), (tried)) \
  F(uint64_t, ct_cuda_free_memory, (int index), (index)) \
  F(void, ct_release_memory, (), ()) \
  F(void, ct_keep_memory, (), ()) \
  F(int, ct_set_threads, (int count), (count)) \
  F(int, ct_threads, (), ()) \
  F(int, ct_manual_seed, (uint64_t seed), (seed)) \
  F(void, ct_allow_tf32, (int allowed), (allowed)) \
  F(int64_t, ct_live_tensors, (), ())

/// The list as text. Library and program are built apart, and with another list than the program's own
/// a library is of no use to it.
#define CT_INTERFACE_OF(result, name, parameters, arguments) #result #name #parameters
#define CT_INTERFACE CT_FUNCTIONS(CT_INTERFACE_OF)

extern "C" {

struct ct_functions {
  /// `CT_INTERFACE`; first for ever, because it says whether the rest is as it should be.
  const char *interface;
#define CT_MEMBER(result, name, parameters, arguments) decltype(::name) *name;
  CT_FUNCTIONS(CT_MEMBER)
#undef CT_MEMBER
};

const ct_functions *restore_torch_functions(void);
}

#endif
