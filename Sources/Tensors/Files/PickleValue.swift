/// What the pickle of a state dictionary can hold, as plain data.
enum PickleValue {
    case none
    case bool(Bool)
    case integer(Int)
    case real(Double)
    case string(String)
    /// `depth` is how many tuples deep the value goes, which bounds what freeing it takes.
    case tuple([PickleValue], depth: Int)
    case list(PickleList)
    case dictionary(PickleDictionary)
    /// A name of a Python function or class; only these few are known, and none is ever run.
    case global(PickleGlobal)
    case storage(PickledStorage)
    case tensor(PickledTensor)
}

/// A Python list. A class, since a pickle goes on filling a list that it has already put
/// in its place, which also lets a hostile one contain itself.
final class PickleList {
    var items: [PickleValue] = []
}

/// A Python `dict` or `OrderedDict`, in order of insertion; see ``PickleList``.
final class PickleDictionary {
    var members: [(key: PickleValue, value: PickleValue)] = []
    let isOrdered: Bool

    init(isOrdered: Bool) {
        self.isOrdered = isOrdered
    }
}

/// A run of elements kept in an entry of its own in a PyTorch archive.
struct PickledStorage {
    /// The name of its entry, below `data/`.
    let key: String
    let dtype: StoredDType
    /// The number of elements.
    let count: Int
}

/// A view of a storage.
struct PickledTensor {
    let storage: PickledStorage
    /// The element of the storage at which the view begins.
    let offset: Int
    let shape: [Int]
    /// How many elements apart neighbours along each dimension lie.
    let strides: [Int]
}
