// A stand-in for libtorch_cuda.so, with which machines without a GPU find out whether every tensor is made on the device
// it is needed on. Its memory is the host's, under addresses that the host cannot follow; what nobody has written yet is
// NaN; its kernels are the CPU's. Tensors of two devices in one operator are an error as on a GPU, and so is what only
// the CPU has. Copies into pinned memory are not there before they are waited for.
//
// Only for the libtorch it is compiled with, whose registration points it uses. Streams, kernels of their own and
// floating-point differences of a real device are beyond it.
#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/EmptyTensor.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <c10/core/CPUAllocator.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <torch/library.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <string>

namespace at::native {
Tensor as_strided_tensorimpl(const Tensor &, IntArrayRef, IntArrayRef, std::optional<int64_t>);
Tensor view(const Tensor &, IntArrayRef);
Tensor unfold(const Tensor &, int64_t, int64_t, int64_t);
Tensor view_as_on_host(const Tensor &);
Tensor view_as_complex(const Tensor &);
Tensor _reshape_alias(const Tensor &, IntArrayRef, IntArrayRef);
Tensor &set_(Tensor &, Storage);
Tensor &set_storage_cpu_(Tensor &, Storage, int64_t, IntArrayRef, IntArrayRef);
Tensor &set_tensor_(Tensor &, const Tensor &);
} // namespace at::native

namespace {

constexpr uintptr_t distance = uintptr_t(1) << 62; // no address of the host's: following it is SIGSEGV
void *on_device(void *p) { return p ? (void *)((uintptr_t)p + distance) : nullptr; }
void *on_host(const void *p) {
  if (!p) return nullptr;
  if ((uintptr_t)p < distance) { fprintf(stderr, "stand-in: cuda tensor with host address\n"); abort(); }
  return (void *)((uintptr_t)p - distance);
}
const c10::Device device0(c10::DeviceType::CUDA, 0);
std::atomic<int64_t> in_use{0};

// ---- memory
struct Block { void *p; size_t n; };
void free_block(void *context) {
  auto *b = (Block *)context;
  in_use -= b->n;
  free(b->p);
  delete b;
}
struct CudaAllocator final : c10::Allocator {
  c10::DataPtr allocate(size_t n) override {
    if (n == 0) return {nullptr, nullptr, nullptr, device0};
    void *p = aligned_alloc(512, (n + 511) / 512 * 512);
    TORCH_CHECK(p, "stand-in out of memory: ", n);
    memset(p, 0xFF, n); // NaN
    in_use += n;
    return {on_device(p), new Block{p, n}, free_block, device0};
  }
  c10::DeleterFnPtr raw_deleter() const override { return nullptr; }
  void copy_data(void *dest, const void *src, std::size_t count) const override { memcpy(on_host(dest), on_host(src), count); }
};
CudaAllocator cuda_allocator;

std::mutex pin_lock;
std::map<uintptr_t, size_t> pinned;
void free_pinned(void *p) {
  { std::lock_guard g(pin_lock); pinned.erase((uintptr_t)p); }
  free(p);
}
struct PinnedAllocator final : c10::Allocator {
  c10::DataPtr allocate(size_t n) override {
    void *p = aligned_alloc(512, (n + 512) / 512 * 512 + 512);
    { std::lock_guard g(pin_lock); pinned[(uintptr_t)p] = n; }
    return {p, p, free_pinned, c10::Device(c10::DeviceType::CPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return free_pinned; }
  void copy_data(void *dest, const void *src, std::size_t count) const override { memcpy(dest, src, count); }
};
PinnedAllocator pinned_allocator;
bool is_pinned(const void *p) {
  std::lock_guard g(pin_lock);
  auto it = pinned.upper_bound((uintptr_t)p);
  if (it == pinned.begin()) return false;
  --it;
  return (uintptr_t)p < it->first + std::max<size_t>(it->second, 1);
}

// ---- copies to the host that are not yet there (non_blocking into pinned memory)
struct Pending { at::Tensor to, snapshot; int64_t number; };
std::mutex queue_lock;
std::deque<Pending> pending;
int64_t enqueued = 0;
void flush(int64_t until) {
  std::deque<Pending> ready;
  {
    std::lock_guard g(queue_lock);
    while (!pending.empty() && pending.front().number <= until) {
      ready.push_back(std::move(pending.front()));
      pending.pop_front();
    }
  }
  for (auto &p : ready) {
    at::AutoDispatchBelowADInplaceOrView guard;
    p.to.copy_(p.snapshot);
  }
}
void flush() { flush(INT64_MAX); }

// ---- guard
struct Guard final : c10::impl::DeviceGuardImplInterface {
  c10::DeviceType type() const override { return c10::DeviceType::CUDA; }
  c10::Device exchangeDevice(c10::Device) const override { return device0; }
  c10::Device getDevice() const override { return device0; }
  void setDevice(c10::Device) const override {}
  void uncheckedSetDevice(c10::Device) const noexcept override {}
  c10::Stream s() const { return c10::Stream(c10::Stream::DEFAULT, device0); }
  c10::Stream getStream(c10::Device) const override { return s(); }
  c10::Stream getDefaultStream(c10::Device) const override { return s(); }
  c10::Stream getStreamFromGlobalPool(c10::Device, bool) const override { return s(); }
  c10::Stream getNewStream(c10::Device, int) const override { return s(); }
  c10::Stream exchangeStream(c10::Stream) const override { return s(); }
  c10::DeviceIndex deviceCount() const noexcept override { return 1; }
  struct E { int64_t number; int asked; };
  void record(void **event, const c10::Stream &, const c10::DeviceIndex, const c10::EventFlag) const override {
    if (!*event) *event = new E;
    std::lock_guard g(queue_lock);
    *(E *)*event = E{enqueued, 0};
  }
  void block(void *, const c10::Stream &) const override {}
  bool queryEvent(void *event) const override {
    if (!event) return true;
    auto *e = (E *)event;
    if (e->asked++ == 0) return false; // the first time it is never reached
    flush(e->number);
    return true;
  }
  void destroyEvent(void *event, const c10::DeviceIndex) const noexcept override { delete (E *)event; }
  bool queryStream(const c10::Stream &) const override { flush(); return true; }
  void synchronizeStream(const c10::Stream &) const override { flush(); }
  void synchronizeEvent(void *event) const override { if (event) flush(((E *)event)->number); }
  void synchronizeDevice(const c10::DeviceIndex) const override { flush(); }
};
C10_REGISTER_GUARD_IMPL(CUDA, Guard)

// ---- aliases
struct Owner { c10::Storage storage; };
at::Tensor with_storage(c10::Storage storage, const at::Tensor &like, c10::DispatchKey key) {
  auto t = at::detail::make_tensor<c10::TensorImpl>(std::move(storage), c10::DispatchKeySet(key), like.dtype());
  auto *impl = t.unsafeGetTensorImpl();
  impl->set_storage_offset(like.storage_offset());
  impl->set_sizes_and_strides(like.sizes(), like.strides());
  impl->_set_conj(like.is_conj());
  impl->_set_neg(like.is_neg());
  if (like.unsafeGetTensorImpl()->is_wrapped_number()) impl->set_wrapped_number(true);
  return t;
}
c10::Storage moved(const c10::Storage &storage, bool to_cuda) {
  auto *owner = new Owner{storage};
  void *p = to_cuda ? on_device((void *)storage.data()) : on_host(storage.data());
  c10::DataPtr data(p, owner, [](void *o) { delete (Owner *)o; }, to_cuda ? device0 : c10::Device(c10::kCPU));
  return c10::Storage(c10::Storage::use_byte_size_t(), storage.nbytes(), std::move(data),
                      to_cuda ? (c10::Allocator *)&cuda_allocator : c10::GetCPUAllocator(), true);
}
at::Tensor cpu_alias(const at::Tensor &t) {
  return with_storage(moved(t.storage(), false), t, c10::DispatchKey::CPU);
}
at::Tensor cuda_alias(const at::Tensor &t) {
  return with_storage(moved(t.storage(), true), t, c10::DispatchKey::CUDA);
}

const std::set<std::string> cpu_indices_allowed = {"aten::index", "aten::index_put_", "aten::_index_put_impl_", "aten::index_put",
                                                   "aten::_unsafe_index", "aten::_unsafe_index_put"};
// What checks devices before any iterator: no exception for a scalar that lies on the CPU.
const std::set<std::string> strict = {
    "aten::index_select", "aten::gather", "aten::scatter", "aten::scatter_add", "aten::embedding", "aten::mm", "aten::bmm",
    "aten::addmm", "aten::baddbmm", "aten::convolution", "aten::convolution_backward", "aten::native_group_norm",
    "aten::cat", "aten::grid_sampler_2d", "aten::_fused_adamw_", "aten::index_add_", "aten::dot", "aten::addmv"};
const std::set<std::string> no_integers = {"aten::mm", "aten::bmm", "aten::addmm", "aten::baddbmm", "aten::convolution", "aten::addmv", "aten::dot"};

struct Call {
  std::vector<std::pair<at::Tensor, at::Tensor>> aliases; // original, alias
  at::Tensor alias(const at::Tensor &t) {
    for (auto &[o, a] : aliases) if (o.is_same(t)) return a;
    at::Tensor a;
    for (auto &[o, other] : aliases) // one storage stays one storage
      if (o.storage().is_alias_of(t.storage())) a = with_storage(other.storage(), t, c10::DispatchKey::CPU);
    if (!a.defined()) a = cpu_alias(t);
    aliases.emplace_back(t, a);
    return a;
  }
  at::Tensor back(const at::Tensor &t) {
    if (!t.defined()) return t;
    for (auto &[o, a] : aliases) if (a.is_same(t)) return o;
    for (auto &[o, a] : aliases)
      if (a.storage().is_alias_of(t.storage()) && on_host(o.storage().data()) == a.storage().data() && a.storage().nbytes() > 0)
        return with_storage(o.storage(), t, c10::DispatchKey::CUDA);
    if (t.is_cuda()) return t;
    return cuda_alias(t);
  }
  void settle() {
    for (auto &[o, a] : aliases) {
      auto *impl = o.unsafeGetTensorImpl();
      if (on_host(o.storage().data()) != a.storage().data() || o.storage().nbytes() != a.storage().nbytes())
        impl->set_storage_keep_dtype(moved(a.storage(), true));
      if (o.sizes() != a.sizes() || o.strides() != a.strides() || o.storage_offset() != a.storage_offset()) {
        impl->set_storage_offset(a.storage_offset());
        impl->set_sizes_and_strides(a.sizes(), a.strides());
      }
    }
  }
};

std::string told(const at::Tensor &t) {
  std::ostringstream s;
  s << t.dtype() << t.sizes() << " on " << t.device();
  return s.str();
}

void fallback(const c10::OperatorHandle &op, torch::jit::Stack *stack) {
  const auto &schema = op.schema();
  const auto &name = schema.name();
  const auto count = schema.arguments().size();
  const size_t first = stack->size() - count;
  const bool indices_free = cpu_indices_allowed.count(name), is_strict = strict.count(name), checks_type = no_integers.count(name);
  Call call;
  if (name == "aten::_fused_adamw_") {
    auto p = (*stack)[first].toTensorVector();
    for (size_t l = 1; l < 4; l++) {
      auto q = (*stack)[first + l].toTensorVector();
      for (size_t i = 0; i < p.size(); i++) {
        TORCH_CHECK(p[i].dtype() == q[i].dtype() && p[i].device() == q[i].device() && p[i].sizes() == q[i].sizes() &&
                        p[i].is_non_overlapping_and_dense() && q[i].is_non_overlapping_and_dense(), "stand-in: adamw list ", l, " tensor ", i);
        for (int64_t d = 0; d < p[i].dim(); d++)
          TORCH_CHECK(p[i].size(d) == 1 || p[i].stride(d) == q[i].stride(d), "stand-in: adamw list ", l, " tensor ", i, " strides ",
                      p[i].strides(), " ", q[i].strides(), " sizes ", p[i].sizes());
      }
    }
  }
  auto take = [&](const at::Tensor &t, size_t i) -> at::Tensor {
    if (!t.defined()) return t;
    if (t.is_cuda()) {
      TORCH_CHECK(!checks_type || !at::isIntegralType(t.scalar_type(), true), "stand-in: ", name, " of integers is not there on CUDA");
      return call.alias(t);
    }
    TORCH_CHECK(t.is_cpu(), "stand-in: ", name, ": tensor on ", t.device());
    const bool list_of_indices = indices_free && schema.arguments()[i].name() == "indices";
    const bool scalar = t.dim() == 0 && !is_strict;
    TORCH_CHECK(list_of_indices || scalar, "wrong device: ", name, ".", schema.overload_name(), ": argument ", i, " (",
                schema.arguments()[i].name(), ") is ", told(t), " among tensors on cuda");
    return t;
  };
  for (size_t i = 0; i < count; i++) {
    c10::IValue &v = (*stack)[first + i];
    if (v.isTensor()) {
      v = take(v.toTensor(), i);
    } else if (v.isTensorList()) {
      c10::List<at::Tensor> list;
      for (const at::Tensor &t : v.toTensorVector()) list.push_back(take(t, i));
      v = list;
    } else if (v.isOptionalTensorList()) {
      c10::List<std::optional<at::Tensor>> list;
      for (const std::optional<at::Tensor> &t : v.toOptionalTensorVector())
        list.push_back(t && t->defined() ? std::optional<at::Tensor>(take(*t, i)) : t);
      v = list;
    } else if (v.isDevice() && v.toDevice().is_cuda()) {
      v = c10::Device(c10::kCPU);
    }
  }
  {
    at::AutoDispatchBelowADInplaceOrView guard;
    c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::autocast_dispatch_keyset);
    op.redispatchBoxed(c10::DispatchKeySet(c10::DispatchKey::CPU), stack);
  }
  call.settle();
  const size_t results = schema.returns().size(), from = stack->size() - results;
  for (size_t i = 0; i < results; i++) {
    c10::IValue &v = (*stack)[from + i];
    if (v.isTensor()) {
      v = call.back(v.toTensor());
    } else if (v.isTensorList()) {
      c10::List<at::Tensor> list;
      for (const at::Tensor &t : v.toTensorVector()) list.push_back(call.back(t));
      v = list;
    }
  }
  if (name == "aten::_local_scalar_dense" || name == "aten::equal") flush();
}

// ---- what is not a kernel of the CPU's
at::Tensor empty(at::IntArrayRef size, std::optional<at::ScalarType> dtype, std::optional<at::Layout>, std::optional<at::Device>,
                 std::optional<bool> pin, std::optional<at::MemoryFormat> format) {
  TORCH_CHECK(!pin.value_or(false), "Only dense CPU tensors can be pinned");
  return at::detail::empty_generic(size, &cuda_allocator, c10::DispatchKeySet(c10::DispatchKey::CUDA), c10::dtype_or_default(dtype), format);
}
at::Tensor empty_strided(at::IntArrayRef size, at::IntArrayRef stride, std::optional<at::ScalarType> dtype, std::optional<at::Layout>,
                         std::optional<at::Device>, std::optional<bool>) {
  return at::detail::empty_strided_generic(size, stride, &cuda_allocator, c10::DispatchKeySet(c10::DispatchKey::CUDA),
                                           c10::dtype_or_default(dtype));
}
const at::Tensor &resize_(const at::Tensor &self, at::IntArrayRef size, std::optional<at::MemoryFormat> format) {
  at::Tensor fresh = empty(size, self.scalar_type(), {}, {}, {}, format);
  if (self.sizes() == size) return self;
  auto *impl = self.unsafeGetTensorImpl();
  if (fresh.nbytes() + self.storage_offset() * self.itemsize() <= self.storage().nbytes()) {
    impl->set_sizes_and_strides(size, fresh.strides());
  } else {
    size_t n = std::min(self.storage().nbytes(), fresh.storage().nbytes());
    if (n) memcpy(on_host(fresh.storage().data()), on_host(self.storage().data()), n);
    TORCH_CHECK(self.storage_offset() == 0, "stand-in: resize_ with an offset");
    impl->set_storage_keep_dtype(fresh.storage());
    impl->set_sizes_and_strides(size, fresh.strides());
  }
  return self;
}
at::Tensor &copy_(at::Tensor &self, const at::Tensor &src, bool non_blocking) {
  at::AutoDispatchBelowADInplaceOrView guard;
  c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::autocast_dispatch_keyset);
  at::Tensor to = self.is_cuda() ? cpu_alias(self) : self;
  at::Tensor from = src.is_cuda() ? cpu_alias(src) : src;
  if (self.is_cpu() && src.is_cuda()) {
    if (non_blocking && self.numel() > 0 && is_pinned(self.storage().data())) {
      at::Tensor snapshot = at::empty_strided(from.sizes(), from.strides(), from.options());
      snapshot.copy_(from);
      memset(self.storage().mutable_data(), 0xFF, self.storage().nbytes());
      std::lock_guard g(queue_lock);
      pending.push_back({to, snapshot, ++enqueued});
      return self;
    }
    flush();
  } else if (src.is_cpu() && self.is_cuda() && !non_blocking) {
    flush();
  }
  to.copy_(from, false);
  return self;
}
at::Tensor &set_storage(at::Tensor &self, c10::Storage storage, int64_t offset, at::IntArrayRef size, at::IntArrayRef stride) {
  return at::native::set_storage_cpu_(self, std::move(storage), offset, size, stride);
}

TORCH_LIBRARY_IMPL(_, CUDA, m) { m.fallback(torch::CppFunction::makeFromBoxedFunction<&fallback>()); }

TORCH_LIBRARY_IMPL(aten, CUDA, m) {
  m.impl("empty.memory_format", TORCH_FN(empty));
  m.impl("empty_strided", TORCH_FN(empty_strided));
  m.impl("resize_", TORCH_FN(resize_));
  m.impl("copy_", TORCH_FN(copy_));
  m.impl("as_strided", TORCH_FN(at::native::as_strided_tensorimpl));
  m.impl("view", TORCH_FN(at::native::view));
  m.impl("unfold", TORCH_FN(at::native::unfold));
  m.impl("view_as_real", TORCH_FN(at::native::view_as_real));
  m.impl("view_as_complex", TORCH_FN(at::native::view_as_complex));
  m.impl("_reshape_alias", TORCH_FN(at::native::_reshape_alias));
  m.impl("set_.source_Storage", TORCH_FN(at::native::set_));
  m.impl("set_.source_Storage_storage_offset", TORCH_FN(set_storage));
  m.impl("set_.source_Tensor", TORCH_FN(at::native::set_tensor_));
  for (const char *name : {"convolution", "convolution_backward", "native_group_norm", "native_layer_norm", "mse_loss"})
    m.impl(name, torch::CppFunction::makeFromBoxedFunction<&fallback>());
}

// ---- hooks
struct Generators {
  at::Generator value = at::detail::createCPUGenerator(1234);
};
Generators &generators() { static auto *g = new Generators; return *g; }

} // namespace

namespace at {
struct CUDAHooks final : CUDAHooksInterface {
  CUDAHooks(CUDAHooksArgs) {}
  void init() const override {}
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  const Generator &getDefaultGenerator(DeviceIndex) const override { return generators().value; }
  Generator getNewGenerator(DeviceIndex) const override { return at::detail::createCPUGenerator(1); }
  Device getDeviceFromPtr(void *) const override { return device0; }
  bool isPinnedPtr(const void *data) const override { return is_pinned(data); }
  bool hasCUDA() const override { return true; }
  bool hasPrimaryContext(DeviceIndex) const override { return true; }
  DeviceIndex current_device() const override { return 0; }
  DeviceIndex deviceCount() const override { return 1; }
  void setCurrentDevice(DeviceIndex) const override {}
  DeviceIndex getCurrentDevice() const override { return 0; }
  DeviceIndex exchangeDevice(DeviceIndex) const override { return 0; }
  DeviceIndex maybeExchangeDevice(DeviceIndex) const override { return 0; }
  Allocator *getPinnedMemoryAllocator() const override { return &pinned_allocator; }
  Allocator *getCUDADeviceAllocator() const override { return &cuda_allocator; }
  int getNumGPUs() const override { return 1; }
  void deviceSynchronize(DeviceIndex) const override { flush(); }
};
REGISTER_CUDA_HOOKS(CUDAHooks)

} // namespace at

extern "C" {
int cudaGetDevice(int *device) { *device = 0; return 0; }
int cudaSetDevice(int device) { return device != 0; }
int cudaMemGetInfo(size_t *free, size_t *total) {
  *total = size_t(8) << 30;
  *free = *total - size_t(in_use.load());
  return 0;
}
}

namespace {
struct Start {
  Start() {
    c10::SetAllocator(c10::DeviceType::CUDA, &cuda_allocator);
  }
} start;
} // namespace

// ---- kernels that libtorch would compile for the device: those that restore asks for, by their names
namespace at::cuda {
__attribute__((visibility("default"))) c10::SmallVector<at::Tensor> CompileAndLaunchKernel(
    const std::string &code, const std::string &name, const int outputs, const c10::SmallVector<at::Tensor> &tensors,
    const c10::SmallVector<at::Scalar> &numbers, bool by_reference) {
  TORCH_CHECK(!getenv("STAND_IN_WITHOUT_COMPILER"), "stand-in: there is no compiler");
  TORCH_CHECK(outputs == 1 && numbers.empty() && !by_reference, "stand-in: other kernels");
  TORCH_CHECK(code.find("T " + name + "(") != std::string::npos, "stand-in: no ", name, " in the code");
  for (const auto &tensor : tensors)
    TORCH_CHECK(tensor.is_cuda() && tensor.scalar_type() == tensors[0].scalar_type(), "stand-in: mixed tensors");
  const auto wide = [&](size_t index) { return tensors[index].to(at::kFloat); };
  at::Tensor result;
  if (name == "restore_bias_silu") result = at::silu(wide(0) + wide(1));
  else if (name == "restore_bias_add") result = wide(0) + wide(1) + wide(2);
  TORCH_CHECK(result.defined(), "stand-in: no kernel ", name);
  return {result.to(tensors[0].scalar_type())};
}
} // namespace at::cuda
