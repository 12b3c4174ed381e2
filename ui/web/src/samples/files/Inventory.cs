using System;
using System.Collections.Generic;
using System.Linq;

public record Item(string Name, int Quantity, decimal Price);

public class Inventory
{
    private readonly List<Item> items = new();

    public void Add(Item item) => items.Add(item);

    /// <summary>What everything in stock is worth together.</summary>
    public decimal TotalValue()
    {
        ⟨cursor⟩
    }

    public IEnumerable<Item> LowStock(int limit) =>
        items.Where(item => item.Quantity < limit).OrderBy(item => item.Name);
}
