#include <cstddef>
#include <stdexcept>
#include <vector>

/// A matrix of doubles, stored row by row.
class Matrix {
public:
    Matrix(std::size_t rows, std::size_t columns)
        : rows_(rows), columns_(columns), values_(rows * columns, 0.0) {}

    double& at(std::size_t row, std::size_t column) {
        return values_[row * columns_ + column];
    }

    double at(std::size_t row, std::size_t column) const {
        return values_[row * columns_ + column];
    }

    Matrix transposed() const {
        ⟨cursor⟩
    }

    std::size_t rows() const { return rows_; }
    std::size_t columns() const { return columns_; }

private:
    std::size_t rows_;
    std::size_t columns_;
    std::vector<double> values_;
};
