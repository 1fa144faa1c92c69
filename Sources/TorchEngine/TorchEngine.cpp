#include "LibTorchCheck.h"

#include "TorchEngine.h"

#include "CKernels.h"

#ifndef RESTORE_NO_LIBTORCH

#include <ATen/Context.h>
#include <ATen/DeviceGuard.h>
#include <ATen/Parallel.h>
#include <ATen/autocast_mode.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/full.h>
#include <ATen/ops/sum.h>
#include <ATen/ops/from_blob.h>
#include <c10/core/Event.h>
#include <c10/core/GradMode.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/autograd/variable.h>
#if __has_include(<ATen/accelerator/Graph.h>)
#include <ATen/accelerator/Graph.h>
#define RESTORE_HAS_GRAPH
#endif

#include <dlfcn.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <atomic>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>

struct ct_tensor_s {
  at::Tensor value;
};

struct ct_mark_s {
  c10::Event event{c10::DeviceType::CUDA};
};

#ifdef RESTORE_HAS_GRAPH
struct ct_graph_s {
  at::accelerator::Graph value;
  c10::Device device;

  explicit ct_graph_s(c10::Device device) : device(device) {}
  // Of this thread alone: the autograd engine's, which does the backward pass, may be asked for memory meanwhile.
  void begin() { value.capture_begin({0, 0}, at::GraphCaptureMode::ThreadLocal); }
  void end() { value.capture_end(); }
  void replay() { value.replay(); }
};
#else
/// Before libtorch 2.13 only libtorch_cuda has graphs, which is not linked: its at::cuda::CUDAGraph is used by the
/// names of its members.
struct ct_graph_s {
  // Of unknown size; its members are a dozen pointers and numbers.
  alignas(64) unsigned char value[4096];
  c10::Device device;
  bool is_made = false;

  explicit ct_graph_s(c10::Device device) : device(device) {
    member<void (*)(void *, bool)>("C1Eb")(value, false);
    is_made = true;
  }
  ~ct_graph_s() {
    if (is_made) member<void (*)(void *)>("D1Ev")(value);
  }
  void begin() {
    const int thread_local_mode = 1;
    member<void (*)(void *, std::pair<unsigned long long, unsigned long long>, int)>(
        "13capture_beginESt4pairIyyE21cudaStreamCaptureMode")(value, {0, 0}, thread_local_mode);
  }
  void end() { member<void (*)(void *)>("11capture_endEv")(value); }
  void replay() { member<void (*)(void *)>("6replayEv")(value); }

private:
  template <typename Function> static Function member(const char *name) {
    const std::string symbol = std::string("_ZN2at4cuda9CUDAGraph") + name;
    void *address = dlsym(RTLD_DEFAULT, symbol.c_str());
    TORCH_CHECK(address != nullptr, "this libtorch has no ", symbol);
    return reinterpret_cast<Function>(address);
  }
};
#endif

namespace {

thread_local std::string last_error;
std::atomic<int64_t> live{0};

ct_tensor hand_out(at::Tensor value) {
  auto *handle = new ct_tensor_s{std::move(value)};
  live.fetch_add(1, std::memory_order_relaxed);
  return handle;
}

// c10's messages carry a C++ backtrace after the first lines; what a user can read is
// the part without it.
template <typename Body, typename Result> Result protect(Result failure, Body body) {
  try {
    return body();
  } catch (const c10::Error &error) {
    last_error = error.what_without_backtrace();
  } catch (const std::exception &error) {
    last_error = error.what();
  } catch (...) {
    last_error = "unknown C++ exception";
  }
  return failure;
}

c10::IValue to_ivalue(const ct_value &value, const c10::TypePtr &type) {
  switch (value.kind) {
  case CT_NONE:
    return c10::IValue();
  case CT_TENSOR:
    return c10::IValue(value.tensors[0]->value);
  case CT_INT:
    // A schema that wants a real number takes an integer literal too.
    if (type->kind() == c10::TypeKind::FloatType) return c10::IValue((double)value.integer);
    return c10::IValue(value.integer);
  case CT_DOUBLE:
    return c10::IValue(value.real);
  case CT_BOOL:
    return c10::IValue(value.integer != 0);
  case CT_STRING:
    return c10::IValue(std::string(value.string));
  case CT_INT_LIST:
    return c10::IValue(std::vector<int64_t>(value.integers, value.integers + value.count));
  case CT_DOUBLE_LIST:
    return c10::IValue(std::vector<double>(value.reals, value.reals + value.count));
  case CT_TENSOR_LIST: {
    auto inner = type->kind() == c10::TypeKind::ListType
                     ? type->castRaw<c10::ListType>()->getElementType()
                     : c10::TypePtr(c10::TensorType::get());
    if (inner->kind() == c10::TypeKind::OptionalType) {
      c10::List<std::optional<at::Tensor>> list;
      for (size_t i = 0; i < value.count; i++) list.push_back(value.tensors[i]->value);
      return c10::IValue(list);
    }
    c10::List<at::Tensor> list;
    list.reserve(value.count);
    for (size_t i = 0; i < value.count; i++) list.push_back(value.tensors[i]->value);
    return c10::IValue(list);
  }
  case CT_NONE_LIST: {
    auto element = type->kind() == c10::TypeKind::ListType
                       ? type->castRaw<c10::ListType>()->getElementType()
                       : c10::TypePtr(c10::TensorType::get());
    return c10::IValue(c10::impl::GenericList(element));
  }
  }
  TORCH_CHECK(false, "argument of unknown kind");
}

void collect(const c10::IValue &value, ct_tensor *results, size_t capacity, size_t &count) {
  auto add = [&](const at::Tensor &tensor) {
    TORCH_CHECK(count < capacity, "more results than the caller has room for");
    results[count++] = hand_out(tensor);
  };
  if (value.isTensor()) {
    add(value.toTensor());
  } else if (value.isTensorList()) {
    for (const at::Tensor &tensor : value.toTensorVector()) add(tensor);
  }
  // Numbers and booleans are not needed: the engine asks tensors for them.
}

/// Tells C that a gradient is there.
struct GradientHook final : torch::autograd::PostAccumulateGradHook {
  void (*hook)(void *);
  void (*release)(void *);
  void *context;

  GradientHook(void (*hook)(void *), void (*release)(void *), void *context)
      : hook(hook), release(release), context(context) {}
  ~GradientHook() override { release(context); }

  void operator()(const at::Tensor &) override { hook(context); }
};

/// Of float32 tensors. libtorch's own typed form is a template that some of its builds do not export as this
/// compiler names it.
const float *floats(const at::Tensor &tensor) { return static_cast<const float *>(tensor.const_data_ptr()); }
float *mutable_floats(const at::Tensor &tensor) { return static_cast<float *>(tensor.mutable_data_ptr()); }

/// Pixels in order, each with its channels together: what the kernels read.
at::Tensor in_pixel_order(const at::Tensor &tensor) { return tensor.contiguous(at::MemoryFormat::ChannelsLast); }

ck_convolution_call call_of(const at::Tensor &input, const at::Tensor &output) {
  ck_convolution_call call{};
  call.input = floats(input);
  call.input_stride = size_t(input.size(1));
  call.output = mutable_floats(output);
  call.output_stride = size_t(output.size(1));
  call.batch = size_t(input.size(0));
  call.height = size_t(input.size(2));
  call.width = size_t(input.size(3));
  return call;
}

/// One pass of a convolution of `weight`, in either direction.
at::Tensor convolved(const at::Tensor &input, const at::Tensor &weight, const float *bias, ck_direction direction) {
  const auto convolution = std::unique_ptr<ck_convolution_s, decltype(&ck_convolution_free)>(
      ck_convolution_create(floats(weight), int(weight.size(1)), int(weight.size(0)), direction),
      ck_convolution_free);
  TORCH_CHECK(convolution, "not enough memory");
  const int64_t outputs = weight.size(direction == CK_FORWARDS ? 0 : 1);
  const at::Tensor result = at::empty({input.size(0), outputs, input.size(2), input.size(3)},
                                      input.options().memory_format(at::MemoryFormat::ChannelsLast));
  ck_convolution_call call = call_of(input, result);
  call.bias = bias;
  TORCH_CHECK(ck_convolution_run(convolution.get(), &call) == 0, "not enough memory");
  return result;
}

struct WinogradConvolution : torch::autograd::Function<WinogradConvolution> {
  static at::Tensor forward(torch::autograd::AutogradContext *context, const at::Tensor &given,
                            const at::Tensor &weights, const at::Tensor &bias) {
    const at::Tensor input = in_pixel_order(given), weight = in_pixel_order(weights);
    context->save_for_backward({input, weight});
    return convolved(input, weight, floats(bias.contiguous()), CK_FORWARDS);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext *context,
                                                 torch::autograd::variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &input = saved[0], &weight = saved[1];
    const at::Tensor gradient = in_pixel_order(gradients[0]);
    at::Tensor to_input, to_weight, to_bias;
    if (context->needs_input_grad(0)) to_input = convolved(gradient, weight, nullptr, CK_BACKWARDS);
    if (context->needs_input_grad(1)) {
      to_weight = at::empty_like(weight);
      const ck_convolution_call call = call_of(input, gradient);
      TORCH_CHECK(ck_convolution_weight_gradient(&call, int(weight.size(1)), int(weight.size(0)),
                                                 mutable_floats(to_weight)) == 0,
                  "not enough memory");
    }
    if (context->needs_input_grad(2)) to_bias = gradient.sum({0, 2, 3});
    return {to_input, to_weight, to_bias};
  }
};

c10::Device device_of(int type, int index) {
  return c10::Device(static_cast<c10::DeviceType>(type), static_cast<c10::DeviceIndex>(index));
}

} // namespace

extern "C" {

const char *ct_last_error(void) { return last_error.c_str(); }

const char *ct_version(void) { return TORCH_VERSION; }

ct_operator ct_operator_find(const char *name, const char *overload) {
  return protect<>((ct_operator) nullptr, [&]() -> ct_operator {
    auto handle = c10::Dispatcher::singleton().findSchema({name, overload});
    TORCH_CHECK(handle.has_value(), "this libtorch has no operator ", name, ".", overload);
    // Found once per call site and kept for the life of the process.
    return new c10::OperatorHandle(*handle);
  });
}

int ct_call(ct_operator op, const ct_value *arguments, size_t argument_count,
            ct_tensor *results, size_t capacity, size_t *result_count) {
  size_t count = 0;
  int status = protect(1, [&] {
    const auto &handle = *static_cast<const c10::OperatorHandle *>(op);
    const auto &parameters = handle.schema().arguments();
    TORCH_CHECK(argument_count <= parameters.size(), "too many arguments: ", argument_count,
                " for ", handle.schema());
    torch::jit::Stack stack;
    stack.reserve(parameters.size());
    for (size_t i = 0; i < parameters.size(); i++) {
      if (i < argument_count) {
        c10::TypePtr type = parameters[i].real_type();
        if (type->kind() == c10::TypeKind::OptionalType)
          type = type->castRaw<c10::OptionalType>()->getElementType();
        stack.push_back(to_ivalue(arguments[i], type));
      } else {
        TORCH_CHECK(parameters[i].default_value().has_value(), "argument ",
                    parameters[i].name(), " is missing");
        stack.push_back(*parameters[i].default_value());
      }
    }
    handle.schema().checkAndNormalizeInputs(stack, {});
    handle.callBoxed(stack);
    for (const auto &value : stack) collect(value, results, capacity, count);
    return 0;
  });
  if (status != 0) {
    for (size_t i = 0; i < count; i++) ct_tensor_free(results[i]);
    count = 0;
  }
  *result_count = count;
  return status;
}

void ct_tensor_free(ct_tensor tensor) {
  if (tensor == nullptr) return;
  protect(1, [&] {
    delete tensor;
    return 0;
  });
  live.fetch_sub(1, std::memory_order_relaxed);
}

ct_tensor ct_tensor_from_bytes(const void *bytes, size_t byte_count, const int64_t *shape,
                               size_t rank, int dtype) {
  return protect((ct_tensor) nullptr, [&] {
    auto type = static_cast<c10::ScalarType>(dtype);
    at::Tensor tensor = at::empty(at::IntArrayRef(shape, rank), at::TensorOptions().dtype(type));
    TORCH_CHECK(tensor.nbytes() == byte_count, "the shape needs ", tensor.nbytes(),
                " bytes, got ", byte_count);
    if (byte_count > 0) std::memcpy(tensor.mutable_data_ptr(), bytes, byte_count);
    return hand_out(std::move(tensor));
  });
}

int ct_tensor_copy_bytes(ct_tensor tensor, void *bytes, size_t byte_count) {
  return protect(1, [&] {
    at::Tensor plain = tensor->value.detach().to(at::kCPU).contiguous();
    TORCH_CHECK(plain.nbytes() == byte_count, "the tensor holds ", plain.nbytes(),
                " bytes, room for ", byte_count);
    if (byte_count > 0) std::memcpy(bytes, plain.const_data_ptr(), byte_count);
    return 0;
  });
}

size_t ct_tensor_rank(ct_tensor tensor) { return tensor->value.dim(); }

void ct_tensor_shape(ct_tensor tensor, int64_t *shape) {
  for (int64_t i = 0; i < tensor->value.dim(); i++) shape[i] = tensor->value.size(i);
}

int ct_tensor_dtype(ct_tensor tensor) { return (int)tensor->value.scalar_type(); }

int ct_tensor_device_type(ct_tensor tensor) { return (int)tensor->value.device().type(); }

int ct_tensor_device_index(ct_tensor tensor) {
  return tensor->value.device().has_index() ? tensor->value.device().index() : 0;
}

int ct_tensor_is_channels_last(ct_tensor tensor) {
  return tensor->value.dim() == 4 &&
         tensor->value.is_contiguous(at::MemoryFormat::ChannelsLast);
}

ct_tensor ct_tensor_to(ct_tensor tensor, int device_type, int device_index, int dtype,
                       int non_blocking) {
  return protect((ct_tensor) nullptr, [&] {
    at::TensorOptions options;
    if (device_type >= 0) options = options.device(device_of(device_type, device_index));
    if (dtype >= 0) options = options.dtype(static_cast<c10::ScalarType>(dtype));
    if (device_type == (int)c10::DeviceType::CUDA && tensor->value.is_cpu()) {
      // Nobody need wait for what the device was asked to do before: a copy from ordinary memory has read it
      // when it returns, and what is large goes by way of memory that the device reads itself.
      const at::Tensor &value = tensor->value;
      if (value.nbytes() <= 65536) return hand_out(value.to(options, true));
      const at::Tensor pinned = value.pin_memory();
      // What the caller pinned it may write to again before the device has read it.
      return hand_out(pinned.to(options, !pinned.is_same(value) || non_blocking != 0));
    }
    return hand_out(tensor->value.to(options, non_blocking != 0));
  });
}

ct_tensor ct_tensor_full(const int64_t *shape, size_t rank, double value, int dtype, int device_type,
                         int device_index) {
  return protect((ct_tensor) nullptr, [&] {
    return hand_out(at::full(at::IntArrayRef(shape, rank), value,
                             at::TensorOptions()
                                 .dtype(static_cast<c10::ScalarType>(dtype))
                                 .device(device_of(device_type, device_index))));
  });
}

void *ct_tensor_memory(ct_tensor tensor) {
  return protect((void *)nullptr,
                 [&] { return tensor->value.is_contiguous() ? tensor->value.mutable_data_ptr() : nullptr; });
}

void *ct_tensor_pixels(ct_tensor tensor, size_t *stride) {
  return protect((void *)nullptr, [&]() -> void * {
    const at::Tensor &value = tensor->value;
    if (value.dim() != 4 || value.numel() == 0) return nullptr;
    // What a dimension of size 1 has as stride means nothing.
    const auto strides = [&](int dim, int64_t wanted) { return value.size(dim) == 1 || value.stride(dim) == wanted; };
    const int64_t across = value.size(3), down = value.size(2);
    const int64_t pixel = across > 1 ? value.stride(3)
                          : down > 1 ? value.stride(2)
                          : value.size(0) > 1 ? value.stride(0)
                                              : value.size(1);
    if (pixel < value.size(1) || !strides(1, 1) || !strides(2, pixel * across) || !strides(0, pixel * across * down))
      return nullptr;
    *stride = size_t(pixel);
    return value.mutable_data_ptr();
  });
}

int ct_convolution_fits(ct_tensor input, ct_tensor weight) {
  const at::Tensor &x = input->value, &w = weight->value;
  if (x.dim() != 4 || w.dim() != 4 || w.size(2) != 3 || w.size(3) != 3 || x.size(1) != w.size(1)) return 0;
  if (!x.is_cpu() || !w.is_cpu() || x.scalar_type() != at::kFloat || w.scalar_type() != at::kFloat) return 0;
  const int64_t tiles = x.size(0) * ((x.size(2) + 3) / 4) * ((x.size(3) + 3) / 4);
  return tiles >= 32 && ck_convolution_fits(int(w.size(1)), int(w.size(0)));
}

ct_tensor ct_convolution(ct_tensor input, ct_tensor weight, ct_tensor bias) {
  return protect((ct_tensor) nullptr,
                 [&] { return hand_out(WinogradConvolution::apply(input->value, weight->value, bias->value)); });
}

int ct_tensor_requires_grad(ct_tensor tensor) { return tensor->value.requires_grad(); }

int ct_tensor_set_requires_grad(ct_tensor tensor, int requires_grad) {
  return protect(1, [&] {
    tensor->value.set_requires_grad(requires_grad != 0);
    return 0;
  });
}

int ct_tensor_backward(ct_tensor tensor) {
  return protect(1, [&] {
    tensor->value.backward();
    return 0;
  });
}

ct_tensor ct_tensor_grad(ct_tensor tensor) {
  return protect((ct_tensor) nullptr, [&]() -> ct_tensor {
    const at::Tensor &gradient = tensor->value.grad();
    return gradient.defined() ? hand_out(gradient) : nullptr;
  });
}

void ct_tensor_clear_grad(ct_tensor tensor) {
  protect(1, [&] {
    tensor->value.mutable_grad() = at::Tensor();
    return 0;
  });
}

int ct_tensor_set_gradient_hook(ct_tensor tensor, void (*hook)(void *), void (*release)(void *), void *context) {
  return protect(1, [&] {
    std::unique_ptr<torch::autograd::PostAccumulateGradHook> made;
    if (hook != nullptr) made = std::make_unique<GradientHook>(hook, release, context);
    torch::autograd::impl::set_post_acc_grad_hooks(tensor->value, std::move(made));
    return 0;
  });
}

int ct_grad_mode_set(int enabled) {
  bool before = c10::GradMode::is_enabled();
  c10::GradMode::set_enabled(enabled != 0);
  return before;
}

int ct_autocast_set(int device_type, int dtype) {
  return protect(1, [&] {
    auto type = static_cast<c10::DeviceType>(device_type);
    bool enabled = dtype >= 0;
    if (enabled) at::autocast::set_autocast_dtype(type, static_cast<c10::ScalarType>(dtype));
    at::autocast::set_autocast_enabled(type, enabled);
    if (!enabled) at::autocast::clear_cache();
    return 0;
  });
}

int ct_cuda_device_count(void) {
  // Loading the library registers its kernels; where it does not exist nothing happens.
  static std::once_flag once;
  std::call_once(once, [] { dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL); });
  return protect(0, [] {
    if (!at::globalContext().hasCUDA()) return 0;
    const auto *guard = c10::impl::device_guard_impl_registry[(int)c10::DeviceType::CUDA].load();
    return guard == nullptr ? 0 : (int)guard->deviceCount();
  });
}

int ct_cuda_synchronize(int index) {
  return protect(1, [&] {
    const auto *guard = c10::impl::device_guard_impl_registry[(int)c10::DeviceType::CUDA].load();
    TORCH_CHECK(guard != nullptr, "there is no CUDA device");
    guard->synchronizeDevice((c10::DeviceIndex)index);
    return 0;
  });
}

ct_mark ct_cuda_mark(int index) {
  return protect((ct_mark) nullptr, [&] {
    const auto *guard = c10::impl::device_guard_impl_registry[(int)c10::DeviceType::CUDA].load();
    TORCH_CHECK(guard != nullptr, "there is no CUDA device");
    auto mark = std::make_unique<ct_mark_s>();
    mark->event.record(guard->getStream(device_of((int)c10::DeviceType::CUDA, index)));
    return mark.release();
  });
}

int ct_mark_reached(ct_mark mark) {
  return protect(-1, [&] { return mark->event.query() ? 1 : 0; });
}

int ct_mark_wait(ct_mark mark) {
  return protect(1, [&] {
    mark->event.synchronize();
    return 0;
  });
}

void ct_mark_free(ct_mark mark) {
  protect(1, [&] {
    delete mark;
    return 0;
  });
}

namespace {

/// at::cuda::CompileAndLaunchKernel of libtorch_cuda, which is not linked; null where there is none.
using KernelLauncher = c10::SmallVector<at::Tensor> (*)(
    const std::string &code, const std::string &name, int outputs, const c10::SmallVector<at::Tensor> &tensors,
    const c10::SmallVector<at::Scalar> &numbers, bool by_reference);

KernelLauncher kernel_launcher() {
  static const auto launcher = ct_cuda_device_count() == 0
      ? nullptr
      : (KernelLauncher)dlsym(
            RTLD_DEFAULT,
            "_ZN2at4cuda22CompileAndLaunchKernelERKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEES8_iRKN3c10"
            "11SmallVectorINS_6TensorELj6EEERKNSA_INS9_6ScalarELj1EEEb");
  return launcher;
}

} // namespace

ct_graph ct_graph_record(int index, int (*body)(void *), void *context) {
  return protect((ct_graph) nullptr, [&]() -> ct_graph {
    const c10::Device device = device_of((int)c10::DeviceType::CUDA, index);
    const c10::DeviceGuard on(device);
    const auto *guard = c10::impl::device_guard_impl_registry[(int)c10::DeviceType::CUDA].load();
    TORCH_CHECK(guard != nullptr, "there is no CUDA device");
    auto graph = std::make_unique<ct_graph_s>(device);
    guard->synchronizeDevice(device.index());
    // Nothing can be written down on the stream that all is done on by default.
    struct Stream {
      const c10::impl::DeviceGuardImplInterface *guard;
      c10::Stream before;
      ~Stream() { guard->exchangeStream(before); }
    } const stream{guard, guard->exchangeStream(guard->getStreamFromGlobalPool(device))};
    graph->begin();
    const int status = body(context);
    graph->end();
    return status == 0 ? graph.release() : nullptr;
  });
}

int ct_graph_replay(ct_graph graph) {
  return protect(1, [&] {
    const c10::DeviceGuard on(graph->device);
    graph->replay();
    return 0;
  });
}

void ct_graph_free(ct_graph graph) {
  protect(1, [&] {
    delete graph;
    return 0;
  });
}

int ct_has_kernels(void) { return kernel_launcher() != nullptr; }

ct_tensor ct_kernel(const char *code, const char *name, const ct_tensor *tensors, size_t count) {
  return protect((ct_tensor) nullptr, [&] {
    const auto launch = kernel_launcher();
    TORCH_CHECK(launch != nullptr, "this libtorch compiles no kernels");
    TORCH_CHECK(count > 0, "a kernel needs a tensor");
    c10::SmallVector<at::Tensor> values;
    for (size_t i = 0; i < count; ++i) values.push_back(tensors[i]->value);
    const c10::DeviceGuard on(values[0].device());
    return hand_out(launch(code, name, 1, values, {}, false)[0]);
  });
}

void ct_try_convolutions(int tried) {
  protect(1, [&] {
    at::globalContext().setBenchmarkCuDNN(tried != 0);
    return 0;
  });
}

uint64_t ct_cuda_free_memory(int index) {
  if (index < 0 || index >= ct_cuda_device_count()) return 0;
  // Found in the runtime that libtorch_cuda brought along: nothing of CUDA is linked.
  using Set = int (*)(int);
  using Info = int (*)(size_t *, size_t *);
  auto get = (int (*)(int *))dlsym(RTLD_DEFAULT, "cudaGetDevice");
  auto set = (Set)dlsym(RTLD_DEFAULT, "cudaSetDevice");
  auto info = (Info)dlsym(RTLD_DEFAULT, "cudaMemGetInfo");
  if (get == nullptr || set == nullptr || info == nullptr) return 0;
  int before = 0;
  size_t free = 0, total = 0;
  if (get(&before) != 0 || set(index) != 0) return 0;
  bool known = info(&free, &total) == 0;
  set(before);
  return known ? free : 0;
}

void ct_release_memory(void) {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

void ct_keep_memory(void) {
#ifdef __GLIBC__
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, -1);
#endif
}

int ct_set_threads(int count) {
  return protect(1, [&] {
    at::set_num_threads(count);
    return 0;
  });
}

int ct_threads(void) { return at::get_num_threads(); }

int ct_manual_seed(uint64_t seed) {
  return protect(1, [&] {
    at::manual_seed(seed);
    return 0;
  });
}

void ct_allow_tf32(int allowed) {
  protect(1, [&] {
    at::globalContext().setAllowTF32CuDNN(allowed != 0);
    at::globalContext().setBenchmarkCuDNN(true);
    return 0;
  });
}

int64_t ct_live_tensors(void) { return live.load(); }

const ct_functions *restore_torch_functions(void) {
#define CT_ADDRESS(result, name, parameters, arguments) name,
  static const ct_functions functions{CT_INTERFACE, CT_FUNCTIONS(CT_ADDRESS)};
  return &functions;
}

} // extern "C"

#endif
