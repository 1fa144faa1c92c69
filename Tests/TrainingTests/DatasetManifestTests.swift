import Foundation
import Testing

@testable import Training

struct DatasetManifestTests {
    @Test func everyManifestOfThePackageDecodes() throws {
        let paths = try Package.yamlFiles(in: Package.datasets)
        #expect(paths.count == DatasetManifest.names(in: [Package.datasets]).count)
        #expect(paths.count > 5)
        for name in DatasetManifest.names(in: [Package.datasets]) {
            let manifest = try DatasetManifest(named: name, in: [Package.datasets])
            #expect(manifest.name == name)
            #expect(["train", "test"].contains(manifest.use), "\(name)")
            #expect(!manifest.layout.isEmpty, "\(name)")
            for part in manifest.layout {
                #expect(part.count > 0 && !part.path.hasPrefix("/") && !part.path.contains(".."), "\(name)")
                #expect(part.sha256 == nil || part.sha256?.count == 64, "\(name)")
                #expect((part.sha256 == nil) == (part.bytes == nil), "\(name)")
            }
            #expect(Set(manifest.layout.map(\.role)).count == manifest.layout.count, "\(name)")
        }
    }

    @Test(arguments: ["set5", "set14", "bsd100", "urban100", "levin09", "gopro-val"])
    func benchmarksAreNeverTrainedOn(name: String) throws {
        #expect(try DatasetManifest(named: name, in: [Package.datasets]).neverTrain == true)
        let folder = try TestFolder()
        let error = try #require(throws: DataError.self) {
            try TrainingFiles.paths(sets: [name], roots: [folder.path], manifests: [Package.datasets])
        }
        #expect(error.description == "the data set '\(name)' must never be trained on")
    }

    private static func manifest(_ paths: [(role: String, path: String)], neverTrain: Bool = false) -> String
    {
        """
        name: mine
        title: Mine
        description: A test.
        use: train
        licence: free
        neverTrain: \(neverTrain)
        layout:

        """ + paths.map { "  - role: \($0.role)\n    path: \"\($0.path)\"\n    count: 1\n" }.joined()
    }

    @Test func globsMatchWithinAFolder() throws {
        let folder = try TestFolder()
        for name in [
            "a/one/2.png", "a/one/10.png", "a/one/1.jpg", "a/two/3.png", "a/4.png", "b/5.png", "a/one/.6.txt",
        ] {
            try folder.write("x", to: name)
        }
        func names(_ glob: String) -> [String] {
            DatasetManifest.files(matching: glob, under: [folder.path]).map {
                String($0.dropFirst(folder.path.count + 1))
            }
        }
        #expect(names("a/one/*.png") == ["a/one/10.png", "a/one/2.png"])
        #expect(names("a/*/*.png") == ["a/one/10.png", "a/one/2.png", "a/two/3.png"])
        #expect(names("a/*.png") == ["a/4.png"])
        #expect(names("*/5.png") == ["b/5.png"])
        #expect(names("a/one/?.png") == ["a/one/2.png"])
        #expect(names("a/one/1.jpg") == ["a/one/1.jpg"])
        #expect(names("a/one/9.jpg").isEmpty)
        #expect(names("c/*.png").isEmpty)
        #expect(names("").isEmpty)
        // The first root that has any is used alone.
        let other = try TestFolder()
        try other.write("x", to: "b/7.png")
        #expect(
            DatasetManifest.files(matching: "b/*.png", under: [other.path, folder.path]) == [
                "\(other.path)/b/7.png"
            ])
        #expect(
            DatasetManifest.files(matching: "a/*.png", under: [other.path, folder.path]) == [
                "\(folder.path)/a/4.png"
            ])
    }

    @Test func missingDataIsSaidInOneSentence() throws {
        let folder = try TestFolder()
        try folder.write(
            Self.manifest([("train", "photos/*.png"), ("kernel", "kernels/*.png")]), to: "sets/mine.yaml")
        func paths(_ sets: [String], roots: [String]? = nil) throws -> [String] {
            try TrainingFiles.paths(
                sets: sets, roots: roots ?? [folder.path], manifests: ["\(folder.path)/sets"])
        }
        func sentence(_ body: () throws -> [String]) throws -> String {
            try #require(throws: DataError.self) { try body() }.description
        }
        #expect(
            try sentence { try paths(["mine"]) }
                == "the data set 'mine' is not under '\(folder.path)': expected photos/*.png")
        #expect(try sentence { try paths(["other"]) } == "there is no data set 'other'; known are mine")
        #expect(try sentence { try paths(["../mine"]) } == "'../mine' is not the name of a data set")
        #expect(
            try sentence { try paths(["mine"], roots: ["\(folder.path)/absent"]) }
                == "the data folder '\(folder.path)/absent' does not exist")
        #expect(try sentence { try paths([]) } == "there is no PNG or JPEG file under '\(folder.path)'")

        try folder.write("x", to: "kernels/k.png")
        #expect(
            try sentence { try paths(["mine"]) }.contains("expected photos/*.png"),
            "kernels are not photographs")
        let photo = try folder.write("x", to: "photos/p.png")
        #expect(try paths(["mine"]) == [photo])
        try folder.write("x", to: "photos/deep/q.JPEG")
        try folder.write("x", to: "photos/note.txt")
        #expect(
            try paths([]).map { ($0 as NSString).lastPathComponent } == ["k.png", "q.JPEG", "p.png"],
            "without sets every picture below the root, sorted by path")

        try folder.write("name: [", to: "sets/broken.yaml")
        #expect(try sentence { try paths(["broken"]) }.contains("sets/broken.yaml' cannot be read"))
        try folder.write(Self.manifest([("train", "photos/*.png")], neverTrain: true), to: "sets/mine.yaml")
        #expect(try sentence { try paths(["mine"]) } == "the data set 'mine' must never be trained on")
    }
}
