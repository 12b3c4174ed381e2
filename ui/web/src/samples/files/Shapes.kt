import kotlin.math.PI

sealed interface Shape

data class Circle(val radius: Double) : Shape
data class Rectangle(val width: Double, val height: Double) : Shape
data class Triangle(val base: Double, val height: Double) : Shape

fun area(shape: Shape): Double = when (shape) {
    is Circle -> PI * shape.radius * shape.radius
    ⟨cursor⟩
}

fun main() {
    val shapes = listOf(Circle(1.0), Rectangle(2.0, 3.0), Triangle(4.0, 5.0))
    shapes.forEach { println("%.2f".format(area(it))) }
}
