import Testing

@testable import Tensors

struct FolderOfPathTests {
    @Test(
        arguments: [
            ("a/b", "a"), ("a/b/", "a"), ("a/b//", "a"), ("a//b", "a"), ("/a/b", "/a"), ("name", ""),
            ("name/", ""),
            ("/a", "/"), ("/", "/"), ("//", "/"), ("", ""), (".", ""), ("./a", "."), ("../a", ".."),
            // One character, for which Foundation's method traps.
            ("a", ""), ("é", ""), ("a/", ""), ("a//", ""),
        ])
    func theLastPartIsTakenAway(path: String, folder: String) {
        #expect(path.folderOfPath == folder)
    }
}
