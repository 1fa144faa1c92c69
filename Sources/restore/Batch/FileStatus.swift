import Glibc

/// What the file system says of a path, links followed.
struct FileStatus {
    /// Device and inode: the same file under any name.
    struct Identity: Hashable {
        let device: UInt
        let inode: UInt
    }

    let identity: Identity
    let isFolder: Bool
    let isRegular: Bool

    /// nil where there is nothing, or nothing that may be looked at.
    init?(_ path: String) {
        var status = stat()
        guard !path.utf8.contains(0), stat(path, &status) == 0 else { return nil }
        identity = Identity(device: UInt(status.st_dev), inode: UInt(status.st_ino))
        isFolder = status.st_mode & S_IFMT == S_IFDIR
        isRegular = status.st_mode & S_IFMT == S_IFREG
    }
}
