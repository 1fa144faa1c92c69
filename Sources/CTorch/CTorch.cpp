// Opens librestore-torch.so when something of it is first wanted, and forwards to it.

#include "CTorch.h"

#include "TorchEngine.h"

#include <dlfcn.h>
#include <link.h>
#include <sysexits.h>
#include <unistd.h>

#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

constexpr const char *name = "librestore-torch.so";

/// The folder of the program or, where a test runner has loaded this code, of the file that it is in.
std::string own_folder() {
  std::string path;
  Dl_info info;
  void *map = nullptr;
  if (dladdr1(reinterpret_cast<void *>(own_folder), &info, &map, RTLD_DL_LINKMAP) != 0 && map != nullptr)
    path = static_cast<const link_map *>(map)->l_name;
  // The program itself has no name there.
  if (path.empty()) {
    char target[PATH_MAX];
    const ssize_t length = readlink("/proc/self/exe", target, sizeof target);
    if (length > 0) path.assign(target, size_t(length));
  }
  return path.substr(0, path.rfind('/') + 1);
}

/// Where a build and where an installation puts the library, else the plain name, for the loader to search.
std::string place() {
  const std::string folder = own_folder();
  for (const char *below : {"", "../lib/restore/"}) {
    const std::string path = folder + below + name;
    if (access(path.c_str(), F_OK) == 0) return path;
  }
  return name;
}

/// Nothing that calls the functions could go on without them. `reason` begins with a file's name.
[[noreturn]] void give_up(const std::string &reason) {
  std::fprintf(stderr, "restore: libtorch cannot be loaded: %s\n", reason.c_str());
  std::exit(EX_UNAVAILABLE);
}

const ct_functions *open() {
  const std::string path = place();
  // For everybody, because libtorch_cuda and the kernels look for symbols of libtorch's libraries.
  void *library = dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL);
  if (library == nullptr) give_up(dlerror());
  const auto functions =
      reinterpret_cast<decltype(restore_torch_functions) *>(dlsym(library, "restore_torch_functions"));
  if (functions == nullptr) give_up(dlerror());
  const ct_functions *table = functions();
  if (std::strcmp(table->interface, CT_INTERFACE) != 0) give_up(path + ": belongs to another build of restore");
  return table;
}

const ct_functions &functions() {
  static const ct_functions *const table = open();
  return *table;
}

} // namespace

#define CT_FORWARD(result, name, parameters, arguments) \
  result name parameters { return functions().name arguments; }
CT_FUNCTIONS(CT_FORWARD)
