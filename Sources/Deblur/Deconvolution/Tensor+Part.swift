import Diffusion
import Tensors

extension Tensor {
    /// Rows and columns of an N×C×H×W picture, a view.
    func part(_ rows: Range<Int>, _ columns: Range<Int>) throws -> Tensor {
        try part(PictureRegion(rows: rows, columns: columns))
    }
}

extension Range<Int> {
    func shifted(by offset: Int) -> Range<Int> { lowerBound + offset..<upperBound + offset }
}
