#include <stdio.h>
#include <stdlib.h>

struct node {
    int value;
    struct node *next;
};

/* Puts a value in front of the list and returns the new head. */
struct node *push(struct node *head, int value)
{
    struct node *node = malloc(sizeof *node);
    if (node == NULL)
        return head;
    node->value = value;
    node->next = head;
    return node;
}

/* Returns the list in the opposite order. */
struct node *reverse(struct node *head)
{
    ⟨cursor⟩
}

int main(void)
{
    struct node *list = NULL;
    for (int i = 0; i < 5; i++)
        list = push(list, i);
    for (struct node *n = reverse(list); n != NULL; n = n->next)
        printf("%d\n", n->value);
    return 0;
}
